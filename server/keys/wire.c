/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

enum { AT_SIZE = 0, AT_ID = 4, AT_HANDLE = 12, AT_WHAT = 20, AT_ALGORITHM = 21, AT_SMALL = 22 };

size_t keys_frame_size(const struct keys_frame *frame)
{
    return KEYS_FRAME_HEAD + frame->small.len + frame->large.len;
}

void keys_frame_put(uint8_t *to, const struct keys_frame *frame)
{
    uint32_t size = (uint32_t)keys_frame_size(frame);
    uint16_t small = (uint16_t)frame->small.len;

    memcpy(to + AT_SIZE, &size, sizeof size);
    memcpy(to + AT_ID, &frame->id, sizeof frame->id);
    memcpy(to + AT_HANDLE, &frame->handle, sizeof frame->handle);
    to[AT_WHAT] = frame->what;
    to[AT_ALGORITHM] = frame->algorithm;
    memcpy(to + AT_SMALL, &small, sizeof small);
    to += KEYS_FRAME_HEAD;
    if (small > 0)
        memcpy(to, frame->small.ptr, small);
    if (frame->large.len > 0)
        memcpy(to + small, frame->large.ptr, frame->large.len);
}

bool keys_frame_take(sgl_view *packet, struct keys_frame *out)
{
    const uint8_t *p = packet->ptr;
    uint32_t size;
    uint16_t small;
    size_t large;

    if (packet->len < KEYS_FRAME_HEAD)
        return false;
    memcpy(&size, p + AT_SIZE, sizeof size);
    memcpy(&small, p + AT_SMALL, sizeof small);
    if (size < KEYS_FRAME_HEAD || size > packet->len || small > KEYS_SMALL_MAX ||
        small > size - KEYS_FRAME_HEAD)
        return false;
    large = size - KEYS_FRAME_HEAD - small;
    if (large > KEYS_DATA_MAX)
        return false;
    memcpy(&out->id, p + AT_ID, sizeof out->id);
    memcpy(&out->handle, p + AT_HANDLE, sizeof out->handle);
    out->what = p[AT_WHAT];
    out->algorithm = p[AT_ALGORITHM];
    out->small = sgl_view_sub(*packet, KEYS_FRAME_HEAD, small);
    out->large = sgl_view_sub(*packet, KEYS_FRAME_HEAD + small, large);
    *packet = sgl_view_from(*packet, size);
    return true;
}
