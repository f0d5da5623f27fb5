/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the receivers where the namespace has a single user (a world built without root): the calls that
 * would change user, group or owner succeed and only remember what was asked for.  Postfix then runs whole as that
 * one user, and believes what it checks about itself.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/types.h>
#include <unistd.h>

static uid_t real_user, user;
static gid_t real_group, group;

#define SAME __attribute__((visibility("default")))
#define KEEP ((uid_t)-1)

static int become(uid_t r, uid_t e)
{
    real_user = r == KEEP ? real_user : r;
    user = e == KEEP ? user : e;
    return 0;
}
static int join(gid_t r, gid_t e)
{
    real_group = r == KEEP ? real_group : r;
    group = e == KEEP ? group : e;
    return 0;
}

SAME uid_t getuid(void)
{
    return real_user;
}
SAME uid_t geteuid(void)
{
    return user;
}
SAME gid_t getgid(void)
{
    return real_group;
}
SAME gid_t getegid(void)
{
    return group;
}
SAME int setuid(uid_t u)
{
    return become(u, u);
}
SAME int seteuid(uid_t u)
{
    return become(KEEP, u);
}
SAME int setreuid(uid_t r, uid_t e)
{
    return become(r, e);
}
SAME int setresuid(uid_t r, uid_t e, uid_t s)
{
    (void)s;
    return become(r, e);
}
SAME int setgid(gid_t g)
{
    return join(g, g);
}
SAME int setegid(gid_t g)
{
    return join(KEEP, g);
}
SAME int setregid(gid_t r, gid_t e)
{
    return join(r, e);
}
SAME int setresgid(gid_t r, gid_t e, gid_t s)
{
    (void)s;
    return join(r, e);
}
SAME int setgroups(size_t n, const gid_t *list)
{
    (void)n;
    (void)list;
    return 0;
}
SAME int initgroups(const char *name, gid_t g)
{
    (void)name;
    (void)g;
    return 0;
}
SAME int chown(const char *path, uid_t u, gid_t g)
{
    (void)path;
    (void)u;
    (void)g;
    return 0;
}
SAME int fchown(int fd, uid_t u, gid_t g)
{
    (void)fd;
    (void)u;
    (void)g;
    return 0;
}
SAME int lchown(const char *path, uid_t u, gid_t g)
{
    (void)path;
    (void)u;
    (void)g;
    return 0;
}
