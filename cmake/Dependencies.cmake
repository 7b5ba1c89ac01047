# Every library bitgauge stands on, found once. docs/decisions/ says why each.
find_package(fmt REQUIRED)
find_package(TBB REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(utf8cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(SQLiteCpp REQUIRED)
find_package(hwy REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(ZLIB REQUIRED)
find_package(BZip2 REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(PkgConfig REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)

# libllama and ggml: any installed llama.cpp with headers, else the private one of scripts/setup
# (the Python package llama-cpp-python installs headers, libraries and CMake configurations).
if(DEFINED ENV{XDG_CACHE_HOME})
    set(BITGAUGE_CACHE "$ENV{XDG_CACHE_HOME}/bitgauge")
else()
    set(BITGAUGE_CACHE "$ENV{HOME}/.cache/bitgauge")
endif()
file(GLOB bitgauge_private_llama "${BITGAUGE_CACHE}/venv/lib/python3*/site-packages")
list(APPEND CMAKE_PREFIX_PATH ${bitgauge_private_llama})
find_package(ggml CONFIG)
if(BITGAUGE_ENGINE)
    find_package(llama CONFIG)
    pkg_check_modules(openblas REQUIRED IMPORTED_TARGET openblas)
    pkg_check_modules(libedit REQUIRED IMPORTED_TARGET libedit)
endif()
if(NOT ggml_FOUND OR (BITGAUGE_ENGINE AND NOT llama_FOUND))
    message(FATAL_ERROR "no llama.cpp with headers was found; run scripts/setup, which brings one, "
                        "or set CMAKE_PREFIX_PATH to an installed llama.cpp")
endif()

# Compiled before, in whichever folder: taken from the cache (HACKING.md).
find_program(BITGAUGE_CCACHE ccache)
if(BITGAUGE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
        CCACHE_NOHASHDIR=1 CCACHE_DIR=${BITGAUGE_CACHE}/ccache CCACHE_MAXSIZE=3G
        CCACHE_SLOPPINESS=time_macros ${BITGAUGE_CCACHE})
endif()
