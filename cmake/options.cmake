# Compiler settings shared by every target.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Dev keeps builds quick: little optimisation, line tables only.
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1" CACHE STRING "" FORCE)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_library(deucalion_options INTERFACE)
# -pthread for all: some parts' flags have it, and a precompiled header serves only equal ones.
target_compile_options(deucalion_options INTERFACE
  -pthread -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(deucalion_options INTERFACE -Wthread-safety -Werror=thread-safety)
else()
  target_compile_options(deucalion_options INTERFACE -fpch-preprocess)
endif()
target_include_directories(deucalion_options INTERFACE ${CMAKE_SOURCE_DIR})

if(DEUCALION_FUZZ)
  # All code reports where inputs lead, not only that of the targets.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(DEUCALION_SANITIZE)
  add_compile_options(-fsanitize=${DEUCALION_SANITIZE} -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${DEUCALION_SANITIZE})
  set(DEUCALION_JEMALLOC OFF CACHE BOOL "" FORCE)
endif()
# Of unit tests and replayed corpora. Sanitized code is many times slower.
if(DEUCALION_SANITIZE)
  set(DEUCALION_TEST_PROPERTIES TIMEOUT 1500)
else()
  set(DEUCALION_TEST_PROPERTIES TIMEOUT 300)
endif()
# What end-to-end tests find in their environment.
set(DEUCALION_E2E_ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
if(DEUCALION_SANITIZE)
  list(APPEND DEUCALION_E2E_ENVIRONMENT DEUCALION_SANITIZED=1)
endif()
if(DEUCALION_SANITIZE MATCHES thread)
  set(tsan TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp:second_deadlock_stack=1)
  list(APPEND DEUCALION_TEST_PROPERTIES ENVIRONMENT ${tsan})
  list(APPEND DEUCALION_E2E_ENVIRONMENT ${tsan})
endif()
find_program(LLD ld.lld)
if(LLD)
  add_link_options(-fuse-ld=lld)
endif()
