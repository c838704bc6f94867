# The Debian package: `cpack -G DEB` in the build folder, or `./run package`.
#
# One package with program, library and header: it is small, and what uses the
# library is built from source beside it.
set(CPACK_PACKAGE_NAME offramp)
set(CPACK_PACKAGE_VENDOR "The offramp authors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "early-exit transformers: train, compare and run text models")
set(CPACK_PACKAGE_DESCRIPTION
"offramp puts a small classifier behind every layer of an encoder transformer
and leaves the network, text by text, at the first layer that knows the answer.
One program trains such models, measures what leaving early saves and costs,
and runs them; the library does the last for programs in C and C++.")
string(SUBSTRING ${ofr_date} 0 4 ofr_year)
set(OFR_MAINTAINER "The offramp authors <authors@offramp.example.org>" CACHE STRING
  "Name and address of whoever makes the package")
set(CPACK_PACKAGE_CONTACT "${OFR_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
# What is built against this version runs with every later one of the same SONAME.
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
# The loader's list of libraries is made again after this package came or went.
file(WRITE ${PROJECT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/triggers)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "gnuplot-nox, python3")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# What Debian wants in /usr/share/doc and packed with gzip is made when packing only.
configure_file(${PROJECT_SOURCE_DIR}/cmake/package_files.cmake.in
  ${PROJECT_BINARY_DIR}/package_files.cmake @ONLY)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/package_files.cmake)
include(CPack)
