# SPDX-License-Identifier: Apache-2.0
# Turns FILES (a list of <service>/<kind>.json) into OUT: the table template_files. Bytes rather than string literals:
# nothing needs escaping, and no compiler's limit on literals applies.
set(code "/* Made by embed.cmake. */\n#include <stddef.h>\n\n#include \"workspace/template.h\"\n")
set(table "\nconst struct template_file template_files[] = {\n")
foreach(file IN LISTS FILES)
  get_filename_component(kind "${file}" NAME_WE)
  get_filename_component(folder "${file}" DIRECTORY)
  get_filename_component(service "${folder}" NAME)
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(REGEX REPLACE "(('.x..',)('.x..',)('.x..',)('.x..',)('.x..',)('.x..',)('.x..',)('.x..',))" "\\1\n" bytes "${bytes}")
  string(APPEND code "\nstatic const char ${service}_${kind}[] = {\n${bytes}0};\n")
  string(APPEND table "    {\"${service}\", \"${kind}\", ${service}_${kind}},\n")
endforeach()
file(WRITE "${OUT}" "${code}${table}    {NULL, NULL, NULL},\n};\n")
