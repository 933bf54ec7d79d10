/* SPDX-License-Identifier: Apache-2.0 */
#include "net/token.h"

void token_free(struct token *token)
{
    if (token) token->free(token);
}
