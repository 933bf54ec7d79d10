/* SPDX-License-Identifier: Apache-2.0 */
/* nested.c - records inside of records that tables of several files share. */
#include "nested.h"

const struct column helpscout_person[] = {
    TEXT("id", "Its id"),
    TEXT("type", "customer, user or team"),
    TEXT("first", "First name"),
    TEXT("last", "Last name"),
    TEXT("photo_url", "Address of the picture", FROM("photoUrl")),
    TEXT("email", "E-mail address"),
};

const struct column helpscout_origin[] = {
    TEXT("type", "email, web, api, beacon, chat, ..."),
    TEXT("via", "Side that began it: user or customer"),
};

const struct column helpscout_value[] = {
    TEXT("id", "Its id"),
    TEXT("value", "The address, number or name itself"),
    TEXT("type", "work, home, other, ..."),
};
