/* SPDX-License-Identifier: Apache-2.0 */
/* `sigillo serve`: the supervisor, which starts and restarts the keys process and the service. */
#ifndef SERVER_MAIN_SERVE_H
#define SERVER_MAIN_SERVE_H

/* argv[0] is "serve"; options: --config FILE, --check. The exit status: 0 ended well, 1 configuration refused or start failed, 2 wrong usage. */
int serve_main(int argc, char **argv);

#endif
