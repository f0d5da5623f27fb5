/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_TRIM_H
#define MILTER_TRIM_H

/*
 * Gives back what a process that only waits does not need: free memory, and pages of programs and libraries that its start has touched.  They come back from their files
 * when somebody needs them.
 */
void trim_memory(void);

#endif
