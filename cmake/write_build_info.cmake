# Run at every build: cmake -D IN=… -D OUT=… -D SOURCE=… -D VERSION=… … -P write_build_info.cmake
# Writes OUT from IN when revision, branch or version are others than last time; otherwise OUT stays
# as it is and nothing is linked again.
function(git out)
  execute_process(COMMAND git ${ARGN} WORKING_DIRECTORY ${SOURCE}
    OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${out} "${text}" PARENT_SCOPE)
endfunction()
git(DEUCALION_REVISION rev-parse HEAD)
git(DEUCALION_BRANCH rev-parse --abbrev-ref HEAD)

set(now "${DEUCALION_REVISION} ${DEUCALION_BRANCH} ${PROJECT_VERSION} ${DEUCALION_API_VERSION}")
set(before "")
if(EXISTS ${OUT} AND EXISTS ${OUT}.stamp)
  file(READ ${OUT}.stamp before)
endif()
if(NOT before STREQUAL now)
  string(TIMESTAMP DEUCALION_BUILD_DATE "%Y%m%d-%H:%M:%S" UTC)
  configure_file(${IN} ${OUT} @ONLY)
  file(WRITE ${OUT}.stamp "${now}")
endif()
