/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of its corpus: what was found once is tested for ever. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long size = -1;

    if (f == NULL)
        return 0;
    if (fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    rewind(f);
    if (size >= 0)
        bytes = malloc((size_t)size + 1);
    if (bytes != NULL && fread(bytes, 1, (size_t)size, f) == (size_t)size) {
        /* An exact copy, so that a sanitizer sees a read one byte too far. */
        uint8_t *exact = malloc(size == 0 ? 1 : (size_t)size);

        if (exact != NULL) {
            memcpy(exact, bytes, (size_t)size);
            (void)LLVMFuzzerTestOneInput(exact, (size_t)size);
            free(exact);
        }
    }
    free(bytes);
    fclose(f);
    return 1;
}

int main(int argc, char **argv)
{
    int files = 0;

    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        struct dirent *e;

        if (d == NULL) {
            fprintf(stderr, "no corpus: %s\n", argv[i]);
            return 1;
        }
        while ((e = readdir(d)) != NULL) {
            char path[4096];

            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], e->d_name);
            files += replay_file(path);
        }
        closedir(d);
    }
    printf("%d inputs replayed\n", files);
    return files == 0;
}
