/* Requests: ownership of what a decoded command points to.
 *
 * On the data path of large values (take) and of commands that leave their reactor (detach). A
 * request belongs to one thread at a time.
 * Invariant: blobs[i] is not NULL exactly while the request holds a reference for argument i. */
#include "pollard/proto/request.h"
#include "pollard/base/check.h"
#include "pollard/base/mem.h"

struct blob *request_take_blob(struct request *request, uint32_t index)
{
    check(index < request->argc);
    if (request->blob_count == 0 || request->blobs[index] == NULL) {
        return NULL;
    }
    struct blob *blob = request->blobs[index];
    request->blobs[index] = NULL;
    request->blob_count--;
    return blob;
}

/* Has argument i a blob that keeps its bytes? */
static bool is_shared(const struct request *request, uint32_t index)
{
    return request->blob_count > 0 && request->blobs[index] != NULL;
}

void request_detach(struct request *request)
{
    if (request->owned != NULL || request->argc == 0) {
        return;
    }
    /* One block: the slots, then the blobs if there are any, then the bytes. */
    size_t slots_size = request->argc * sizeof(struct bytes);
    size_t blobs_size = request->blob_count > 0 ? request->argc * sizeof(struct blob *) : 0;
    size_t bytes_size = 0;
    for (uint32_t i = 0; i < request->argc; i++) {
        bytes_size += is_shared(request, i) ? 0 : request->argv[i].size;
    }
    unsigned char *block = mem_alloc(slots_size + blobs_size + bytes_size);
    struct bytes *argv = (struct bytes *)(void *)block;
    unsigned char *at = block + slots_size + blobs_size;
    for (uint32_t i = 0; i < request->argc; i++) {
        argv[i] = request->argv[i];
        if (!is_shared(request, i)) {
            argv[i].data = at;
            if (argv[i].size > 0) {
                memcpy(at, request->argv[i].data, argv[i].size);
            }
            at += argv[i].size;
        }
    }
    if (blobs_size > 0) {
        memcpy(block + slots_size, request->blobs, blobs_size);
        request->blobs = (struct blob **)(void *)(block + slots_size);
    } else {
        request->blobs = NULL;
    }
    request->argv = argv;
    request->owned = block;
}

void request_deinit(struct request *request)
{
    for (uint32_t i = 0; request->blob_count > 0 && i < request->argc; i++) {
        if (request->blobs[i] != NULL) {
            blob_release(request->blobs[i]);
            request->blobs[i] = NULL;
            request->blob_count--;
        }
    }
    if (request->owned != NULL) {
        mem_free(request->owned);
        request->owned = NULL;
    }
    request->argv = NULL;
    request->blobs = NULL;
    request->argc = 0;
}
