# One static library and one test program per folder of src/. USES is part of the domain's
# interface; LIBS stay private, so only the folder that names ggml or llama can include them.
# A unity build (the presets that scripts/test builds) compiles several files as one: ALONE names
# files whose internal names clash with another's, and APART says that all of the domain's do.
add_library(bitgauge_warnings INTERFACE)
# Designated initializers leave out what has a default on purpose.
target_compile_options(bitgauge_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
                                                   -Wno-missing-field-initializers)
if(BITGAUGE_WERROR)
    target_compile_options(bitgauge_warnings INTERFACE -Werror)
endif()
if(BITGAUGE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC bug 105562: std::regex under the sanitizers.
    target_compile_options(bitgauge_warnings INTERFACE -Wno-maybe-uninitialized)
endif()
if(BITGAUGE_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
endif()

# Makes a source that holds files as text, for HEADER, which declares `struct TYPE {name, content}`,
# `extern const TYPE ARRAY[]` and ARRAYCount. NAMES are those of PATHS there; its path is in `result`.
function(bitgauge_embed result)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;TYPE;ARRAY" "NAMES;PATHS")
    string(REGEX REPLACE ".*/(.*)\\.h" "${CMAKE_CURRENT_BINARY_DIR}/files_of_\\1.cpp" source ${arg_HEADER})
    list(JOIN arg_NAMES "|" names)
    list(JOIN arg_PATHS "|" paths)
    set(script ${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake)
    add_custom_command(
        OUTPUT ${source}
        COMMAND ${CMAKE_COMMAND} -DOUTPUT=${source} -DNAMES=${names} -DPATHS=${paths}
                -DHEADER=${arg_HEADER} -DTYPE=${arg_TYPE} -DARRAY=${arg_ARRAY} -P ${script}
        DEPENDS ${arg_PATHS} ${script}
        COMMENT "Embedding the files of ${arg_HEADER}"
        VERBATIM)
    set(${result} ${source} PARENT_SCOPE)
endfunction()

function(bitgauge_domain name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "APART" "" "SOURCES;TESTS;ALONE;USES;LIBS;PUBLIC_LIBS;TEST_LIBS")
    add_library(bitgauge_${name} STATIC ${arg_SOURCES})
    add_library(bitgauge::${name} ALIAS bitgauge_${name})
    target_include_directories(bitgauge_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include
                                                       ${PROJECT_BINARY_DIR}/include
                                                       ${PROJECT_SOURCE_DIR}/src)
    set_source_files_properties(${arg_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    if(arg_APART)
        set_target_properties(bitgauge_${name} PROPERTIES UNITY_BUILD OFF)
    endif()
    list(TRANSFORM arg_USES PREPEND bitgauge::)
    target_link_libraries(bitgauge_${name} PUBLIC ${arg_USES} ${arg_PUBLIC_LIBS}
                                           PRIVATE ${arg_LIBS} bitgauge_warnings)
    if(BITGAUGE_DEVELOPER AND arg_TESTS)
        add_executable(${name}_test ${arg_TESTS})
        if(arg_APART)
            set_target_properties(${name}_test PROPERTIES UNITY_BUILD OFF)
        endif()
        target_link_libraries(${name}_test PRIVATE bitgauge::${name} ${arg_TEST_LIBS} ${arg_LIBS}
                                                   bitgauge_warnings GTest::gtest_main)
        target_compile_definitions(${name}_test PRIVATE
            BITGAUGE_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
        add_test(NAME ${name} COMMAND ${name}_test)
        set_tests_properties(${name} PROPERTIES LABELS fast TIMEOUT 400)
    endif()
endfunction()
