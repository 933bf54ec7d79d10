# SPDX-License-Identifier: Apache-2.0
# Turns FILES (a list of *.sql) into OUT: `const char sql_<name>[]`, without lines that are only comment. Bytes
# rather than string literals: nothing needs escaping, and no compiler's limit on literals applies.
set(code "/* Made by sql/embed.cmake. */\n")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME_WE)
  file(READ "${file}" text)
  string(REGEX REPLACE "\n--[^\n]*" "" text "\n${text}")
  string(STRIP "${text}" text)
  string(HEX "${text}\n" bytes)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
  string(APPEND code "\nconst char sql_${name}[] = {\n${bytes}0};\n")
endforeach()
file(WRITE "${OUT}" "${code}")
