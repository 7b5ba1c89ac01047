# Script: writes a C++ source that holds files as string literals.
#   cmake -DOUTPUT=assets.cpp "-DNAMES=a.css|b.js" "-DPATHS=/x/a.css|/y/b.js" -P EmbedFiles.cmake
# The source defines the array behind report/assets.h.
string(REPLACE "|" ";" NAMES "${NAMES}")
string(REPLACE "|" ";" PATHS "${PATHS}")
set(entries "")
foreach(name path IN ZIP_LISTS NAMES PATHS)
    file(READ "${path}" content)
    string(APPEND entries "    {\"${name}\", R\"_asset_(${content})_asset_\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"report/assets.h\"\n\nnamespace bitgauge {\n\n"
     "const Asset kAssets[] = {\n" "${entries}" "};\n"
     "const std::size_t kAssetCount = sizeof(kAssets) / sizeof(kAssets[0]);\n\n"
     "}  // namespace bitgauge\n")
