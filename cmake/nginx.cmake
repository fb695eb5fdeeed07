# The nginx that the module is built for, as the target nginx_headers (SYSTEM includes).
#
#   -DNGINX_SOURCE=DIR   a source tree: Debian's nginx-dev (default), or one of nginx.org
#   -DNGINX_OBJS=DIR     a directory that has ngx_auto_config.h already; otherwise configure runs once
#
# A module fits one nginx version. Its layout depends on a few configure flags more than nginx's
# signature string covers, so these are always given (stream, stream_ssl); compat fixes the rest.
set(NGINX_SOURCE "/usr/share/nginx/src" CACHE PATH "nginx source tree (nginx-dev or nginx.org)")
set(NGINX_OBJS "" CACHE PATH "directory with ngx_auto_config.h; empty: configure")

if(NOT EXISTS ${NGINX_SOURCE}/src/core/nginx.h)
  message(FATAL_ERROR "no nginx headers in ${NGINX_SOURCE}: install nginx-dev, give -DNGINX_SOURCE=DIR, "
    "or build without the module (-DSLUICE_MODULE=OFF)")
endif()

set(nginx_objs "${NGINX_OBJS}")
if(NOT nginx_objs)
  set(nginx_objs ${CMAKE_BINARY_DIR}/nginx-objs)
  if(NOT EXISTS ${nginx_objs}/ngx_auto_config.h)
    message(STATUS "Configuring nginx headers of ${NGINX_SOURCE}")
    # In a copy, because configure writes into its working directory.
    file(REMOVE_RECURSE ${CMAKE_BINARY_DIR}/nginx-tree)
    file(COPY ${NGINX_SOURCE}/ DESTINATION ${CMAKE_BINARY_DIR}/nginx-tree)
    execute_process(
      COMMAND bash -c "NGX_CONF_FLAGS=(--with-http_ssl_module --with-http_v2_module --with-threads); \
        if [ -e conf_flags ]; then . ./conf_flags; fi; \
        configure=./configure; [ -e $configure ] || configure=./auto/configure; \
        exec $configure --builddir=${nginx_objs} --with-cc-opt=-fPIC \"\${NGX_CONF_FLAGS[@]}\" --with-compat \
          --with-stream=dynamic --with-stream_ssl_module --with-stream_ssl_preread_module"
      WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/nginx-tree
      OUTPUT_FILE ${CMAKE_BINARY_DIR}/nginx-configure.log
      ERROR_FILE ${CMAKE_BINARY_DIR}/nginx-configure.log
      RESULT_VARIABLE failed)
    if(failed OR NOT EXISTS ${nginx_objs}/ngx_auto_config.h)
      message(FATAL_ERROR "nginx's configure failed: see ${CMAKE_BINARY_DIR}/nginx-configure.log")
    endif()
  endif()
endif()

file(STRINGS ${NGINX_SOURCE}/src/core/nginx.h nginx_version_line REGEX "define NGINX_VERSION ")
string(REGEX MATCH "[0-9]+[.][0-9]+[.][0-9]+" NGINX_VERSION "${nginx_version_line}")

add_library(nginx_headers INTERFACE)
set(nginx_includes ${nginx_objs})
foreach(folder core event event/modules event/quic os/unix http http/modules http/v2 http/v3 stream)
  if(EXISTS ${NGINX_SOURCE}/src/${folder})
    list(APPEND nginx_includes ${NGINX_SOURCE}/src/${folder})
  endif()
endforeach()
target_include_directories(nginx_headers SYSTEM INTERFACE ${nginx_includes})
message(STATUS "Building the module for nginx ${NGINX_VERSION}")
