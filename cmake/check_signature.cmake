# cmake -DMODULE=x.so -DVERSION=1.22.1 -P check_signature.cmake
# Compares the module's signature with the installed nginx's when that is the version built for: a
# module with another one would be refused as "not binary compatible" at the user's next reload.
find_program(NGINX nginx PATHS /usr/sbin /usr/local/sbin)
if(NOT NGINX)
  return()
endif()
execute_process(COMMAND ${NGINX} -v ERROR_VARIABLE installed OUTPUT_QUIET)
if(NOT installed MATCHES "nginx/([0-9.]+)" OR NOT CMAKE_MATCH_1 STREQUAL VERSION)
  return()
endif()
file(STRINGS ${NGINX} wanted REGEX "^[0-9],[0-9],[0-9],[01]+$" LIMIT_COUNT 1)
file(STRINGS ${MODULE} built REGEX "^[0-9],[0-9],[0-9],[01]+$" LIMIT_COUNT 1)
if(wanted AND NOT wanted STREQUAL built)
  file(REMOVE ${MODULE})
  message(FATAL_ERROR "${NGINX} would refuse the module: it has signature ${wanted}, the module ${built}")
endif()
