# Script: writes a C++ source that holds files as string literals.
#   cmake -DOUTPUT=assets.cpp "-DNAMES=a.css|b.js" "-DPATHS=/x/a.css|/y/b.js"
#         -DHEADER=report/assets.h -DTYPE=Asset -DARRAY=kAssets -P EmbedFiles.cmake
# HEADER declares `struct TYPE {name, content}`, `extern const TYPE ARRAY[]` and ARRAYCount.
string(REPLACE "|" ";" NAMES "${NAMES}")
string(REPLACE "|" ";" PATHS "${PATHS}")
set(entries "")
foreach(name path IN ZIP_LISTS NAMES PATHS)
    file(READ "${path}" content)
    string(APPEND entries "    {\"${name}\", R\"_asset_(${content})_asset_\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"\n\nnamespace bitgauge {\n\n"
     "const ${TYPE} ${ARRAY}[] = {\n" "${entries}" "};\n"
     "const std::size_t ${ARRAY}Count = sizeof(${ARRAY}) / sizeof(${ARRAY}[0]);\n\n"
     "}  // namespace bitgauge\n")
