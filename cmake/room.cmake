# deucalion_room(NAME [DEPS targets...] [PARTS targets...])
#   A static library deucalion_NAME from every .cc below the calling folder (or DIR), less EXCLUDE patterns.
# deucalion_test(NAME [DEPS targets...])
#   One GoogleTest binary from every *_test.cc below the calling folder.
function(deucalion_room name)
  cmake_parse_arguments(ARG "" "DIR" "DEPS;PARTS;EXCLUDE" ${ARGN})
  set(dir ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_DIR})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cc)
  foreach(pattern ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  if(NOT sources)
    add_library(deucalion_${name} INTERFACE)
    target_link_libraries(deucalion_${name} INTERFACE deucalion_options ${ARG_DEPS} ${ARG_PARTS})
    return()
  endif()
  add_library(deucalion_${name} STATIC ${sources})
  target_link_libraries(deucalion_${name} PUBLIC deucalion_options ${ARG_DEPS} PRIVATE ${ARG_PARTS})
  target_precompile_headers(deucalion_${name} PRIVATE
    <algorithm> <atomic> <chrono> <cstdint> <functional> <map> <memory> <mutex> <optional> <span>
    <string> <string_view> <unordered_map> <utility> <vector>)
endfunction()

function(deucalion_test name)
  cmake_parse_arguments(ARG "" "DIR" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_DIR}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE deucalion_options ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_precompile_headers(${name}_test PRIVATE
    <gtest/gtest.h> <algorithm> <atomic> <chrono> <functional> <map> <memory> <mutex> <optional> <span>
    <string> <string_view> <unordered_map> <vector>)
  target_compile_definitions(${name}_test PRIVATE DEUCALION_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 300)
endfunction()
