/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox_internal.h"

bool sandbox_user_find(const char *name, struct sandbox_user *out, char *why, size_t why_size)
{
    const struct passwd *entry;

    memset(out, 0, sizeof(*out));
    if (name == NULL)
        return true;
    entry = getpwnam(name);
    if (entry == NULL) {
        snprintf(why, why_size, "user: there is no user %s", name);
        return false;
    }
    out->uid = entry->pw_uid;
    out->gid = entry->pw_gid;
    out->change = entry->pw_uid != geteuid();
    snprintf(out->name, sizeof(out->name), "%s", name);
    if (out->change && geteuid() != 0) {
        snprintf(why, why_size, "user: only root may become %s", name);
        return false;
    }
    return true;
}

bool sandbox_user_become(const struct sandbox_user *user, char *why, size_t why_size)
{
    if (!user->change)
        return true;
    if (initgroups(user->name, user->gid) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
        setresuid(user->uid, user->uid, user->uid) != 0) {
        snprintf(why, why_size, "user: can't become %s: %s", user->name, strerror(errno));
        return false;
    }
    if (user->uid != 0 && setuid(0) == 0) {
        snprintf(why, why_size, "user: could become root again");
        return false;
    }
    return true;
}

bool sandbox_enter_service(const struct sandbox_files *files, int *landlock_abi, char *why,
                           size_t why_size)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        snprintf(why, why_size, "sandbox: %s", strerror(errno));
        return false;
    }
    *landlock_abi = landlock_enter(files, why, why_size);
    return *landlock_abi >= 0 && seccomp_enter(why, why_size);
}

/* ---- the proof ---- */

struct report {
    char *at;
    size_t room;
    bool good;
};

static void say(struct report *r, bool as_it_should, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct report *r, bool as_it_should, const char *format, ...)
{
    va_list args;
    int n;

    r->good = r->good && as_it_should;
    va_start(args, format);
    n = vsnprintf(r->at, r->room, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= r->room)
        return;
    r->at += n;
    r->room -= (size_t)n;
    n = snprintf(r->at, r->room, "%s\n", as_it_should ? "" : "  <- WRONG");
    if (n < 0 || (size_t)n >= r->room)
        return;
    r->at += n;
    r->room -= (size_t)n;
}

static void must_not_open(struct report *r, const char *path)
{
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (path == NULL)
        return;
    say(r, fd < 0, "open %s: %s", path, fd < 0 ? strerror(errno) : "opened");
    if (fd >= 0)
        close(fd);
}

static void must_write(struct report *r, const char *folder)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/.sandbox-check", folder);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    say(r, fd >= 0, "write below %s: %s", folder, fd >= 0 ? "works" : strerror(errno));
    if (fd < 0)
        return;
    close(fd);
    unlink(path);
}

/* The last act: it ends the process when the sandbox holds. */
static void try_to_run(int tell)
{
    static char name[] = "true";
    char *const argv[] = {name, NULL};
    ssize_t n;

    execv("/bin/true", argv);
    n = write(tell, "?", 1); /* still alive: the filter did not kill */
    (void)n;
}

static void in_child(const struct sandbox_files *files, const struct sandbox_user *user,
                     const char *master_key, int tell)
{
    char text[4096] = "", why[300] = "";
    struct report r = {text, sizeof(text), true};
    int abi = 0;
    bool inside = sandbox_user_become(user, why, sizeof(why)) &&
                  sandbox_enter_service(files, &abi, why, sizeof(why));
    ssize_t n;

    say(&r, inside, "enter the sandbox: %s", inside ? "works" : why);
    if (inside) {
        say(&r, true, "Landlock: version %d", abi);
        must_not_open(&r, "/etc/shadow");
        must_not_open(&r, "/etc/passwd");
        must_not_open(&r, master_key);
        must_not_open(&r, files->config->tls_key);
        must_write(&r, files->folder);
        say(&r, fork() < 0, "fork: %s", strerror(errno));
    }
    n = write(tell, text, strlen(text));
    if (inside && r.good && n > 0)
        try_to_run(tell);
    _exit(r.good ? 0 : 1);
}

bool sandbox_self_check(const struct sandbox_files *files, const struct sandbox_user *user,
                        const char *master_key, char *why, size_t why_size)
{
    int ends[2], status = 0;
    size_t len = 0;
    ssize_t n;
    pid_t child;

    why[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0)
        return false;
    if (child == 0)
        in_child(files, user, master_key, ends[1]);
    close(ends[1]);
    while (len < why_size - 1 && (n = read(ends[0], why + len, why_size - 1 - len)) > 0)
        len += (size_t)n;
    why[len] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    n = snprintf(why + len, why_size - len, "run /bin/true: %s\n",
                 WIFSIGNALED(status) && WTERMSIG(status) == 31 ? "killed by the filter"
                                                               : "not killed  <- WRONG");
    (void)n;
    return WIFSIGNALED(status) &&
           WTERMSIG(status) == 31; /* SIGSYS, and nothing before it went wrong */
}
