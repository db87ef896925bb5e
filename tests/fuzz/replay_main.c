/* Runs a fuzz target over every file of a corpus directory, as an ordinary test. Finding no file at
 * all is a failure: a test that tests nothing must not pass. */
#include "fuzz.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Larger files are no seeds. */
#define FILE_SIZE_MAX (1 << 20)

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cannot open %s\n", path);
        return 0;
    }
    uint8_t *data = malloc(FILE_SIZE_MAX);
    size_t size = data == NULL ? 0 : fread(data, 1, FILE_SIZE_MAX, file);
    fclose(file);
    /* A block of the exact size lets the sanitizer see a read past the end. */
    uint8_t *exact = realloc(data, size > 0 ? size : 1);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    int count = 0;
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    if (directory == NULL) {
        fprintf(stderr, "usage: %s CORPUS-DIRECTORY\n", argv[0]);
        return 1;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[4096];
        struct stat status;
        int length = snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (length > 0 && (size_t)length < sizeof(path) && stat(path, &status) == 0 &&
            S_ISREG(status.st_mode)) {
            count += replay(path);
        }
    }
    closedir(directory);
    printf("%d files\n", count);
    return count > 0 ? 0 : 1;
}
