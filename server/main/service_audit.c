/* SPDX-License-Identifier: Apache-2.0 */
/* What the audit says of the server itself: it started, it was asked to end, it read another configuration. */
#include <stdio.h>
#include <unistd.h>

#include "../audit/audit.h"
#include "service_internal.h"
#include "sigillo/buf.h"

void service_note(struct service *s, const char *action, const char *detail)
{
    audit_note(s->store, SGL_LIT("system"), sgl_view_cstr(action), SGL_LIT("server"), SGL_LIT(""),
               sgl_view_cstr(detail));
}

void service_note_start(struct service *s)
{
    char text[400];

    snprintf(text, sizeof(text), "version " SIGILLO_VERSION ", process %ld, %s", (long)getpid(),
             s->config->path);
    service_note(s, "server start", text);
}

void service_note_reload(struct service *s, const struct config *next, const char *refused)
{
    struct sgl_buf text = SGL_BUF_INIT(65536);
    struct store_audit line = {.actor = SGL_LIT("system"),
                               .peer = SGL_LIT("signal"),
                               .action = SGL_LIT("configuration reload"),
                               .object = SGL_LIT("server")};

    if (refused != NULL)
        sgl_buf_add_cstr(&text, refused);
    else
        config_diff(s->config, next, &text);
    line.result = refused != NULL ? SGL_LIT("refused") : SGL_LIT("done");
    line.detail = text.status == SGL_OK ? sgl_buf_view(&text) : SGL_LIT("much is different");
    audit_append(s->store, &line);
    sgl_buf_done(&text);
}
