/* SPDX-License-Identifier: Apache-2.0 */
/* What may be attached, by its media type: the list that Azure Communication Services publishes, in lower case and in order. */
#include <stdlib.h>

#include "acs_internal.h"
#include "sigillo/ascii.h"

static const char *const allowed[] = {
    "application/epub+zip",
    "application/gzip",
    "application/json",
    "application/msword",
    "application/ogg",
    "application/onenote",
    "application/pdf",
    "application/rtf",
    "application/vnd.ms-excel",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "application/vnd.ms-excel.sheet.macroenabled.12",
    "application/vnd.ms-fontobject",
    "application/vnd.ms-outlook",
    "application/vnd.ms-powerpoint",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
    "application/vnd.ms-publisher",
    "application/vnd.ms-word.document.macroenabled.12",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.visio",
    "application/x-7z-compressed",
    "application/x-rar-compressed",
    "application/x-tar",
    "application/xml",
    "application/zip",
    "audio/aac",
    "audio/midi",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/wav",
    "audio/webm",
    "audio/x-ms-wma",
    "font/otf",
    "font/ttf",
    "font/woff",
    "font/woff2",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/svg+xml",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "text/calendar",
    "text/csv",
    "text/plain",
    "text/xml",
    "video/3gpp",
    "video/3gpp2",
    "video/mp4",
    "video/mpeg",
    "video/ogg",
    "video/webm",
    "video/x-ms-wmv",
    "video/x-msvideo",
};

static int compare(const void *type, const void *row)
{
    sgl_view a = *(const sgl_view *)type, b = sgl_view_cstr(*(const char *const *)row);
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool acs_type_allowed(sgl_view content_type)
{
    char lower[128];
    sgl_view rest, type = sgl_view_trim(sgl_view_split(content_type, ';', &rest));

    if (type.len == 0 || type.len > sizeof(lower))
        return false;
    for (size_t i = 0; i < type.len; i++)
        lower[i] = (char)sgl_ascii_lower(type.ptr[i]);
    type = sgl_view_of(lower, type.len);
    return bsearch(&type, allowed, sizeof(allowed) / sizeof(allowed[0]), sizeof(allowed[0]),
                   compare) != NULL;
}
