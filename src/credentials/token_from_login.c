/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

struct login_grant {
    struct grant grant;
    struct token_login *login;
};

static bool request_token(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                          struct error *err)
{
    struct token_login *login = ((struct login_grant *)grant)->login;
    return login->log_in(login, out_token, out_lifetime_s, err);
}

static void login_free(struct grant *grant)
{
    struct token_login *login = ((struct login_grant *)grant)->login;
    login->free(login);
    free(grant);
}

struct token *token_from_login(struct token_login *login)
{
    struct login_grant *grant = mem_zero(1, sizeof *grant);
    grant->grant = (struct grant){.request_token = request_token, .free = login_free};
    grant->login = login;
    return token_cache_new(&grant->grant, NULL);
}
