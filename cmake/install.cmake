# What `cmake --install` puts where: program, libraries, header, what pkg-config and
# CMake need to find them, examples, documents, Python, models.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(OFR_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/offramp)
set(OFR_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(TARGET offramp)
  install(TARGETS offramp RUNTIME)
endif()
install(FILES include/offramp.h TYPE INCLUDE)
foreach(target offramp_shared offramp_run)
  target_include_directories(${target} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
# What the static library asks its user to link; the config file makes these targets.
target_link_libraries(offramp_run INTERFACE
  $<INSTALL_INTERFACE:PkgConfig::OFFRAMP_STATIC> $<INSTALL_INTERFACE:Threads::Threads>
  $<INSTALL_INTERFACE:m>)
install(TARGETS offramp_shared EXPORT offramp-shared LIBRARY)
install(TARGETS offramp_run EXPORT offramp-static ARCHIVE)
foreach(kind shared static)
  install(EXPORT offramp-${kind} NAMESPACE offramp:: FILE offramp-${kind}.cmake
    DESTINATION ${OFR_CMAKE_DIR})
endforeach()

# The pkg-config names of those libraries, and how a linker calls them.
set(OFR_REQUIRES "jansson libutf8proc libpcre2-8")
if(OFR_BLAS)
  string(APPEND OFR_REQUIRES " ${OFR_BLAS_MODULE}")
endif()
set(OFR_PRIVATE_LIBS "")
foreach(library ${JANSSON_LIBRARIES} ${UTF8PROC_LIBRARIES} ${PCRE2_LIBRARIES}
    ${BLAS_LIBRARIES})
  string(APPEND OFR_PRIVATE_LIBS "-l${library} ")
endforeach()
# From the folder of the .pc file to the prefix, so that the tree may be moved; unless
# folders were given that are not below a prefix.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(OFR_PC_PREFIX "${CMAKE_INSTALL_PREFIX}")
  set(OFR_PC_LIBDIR "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(OFR_PC_INCLUDEDIR "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH OFR_PC_PREFIX "/prefix/${OFR_PC_DIR}" "/prefix")
  string(REGEX REPLACE "/$" "" OFR_PC_PREFIX "\${pcfiledir}/${OFR_PC_PREFIX}")
  set(OFR_PC_LIBDIR "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(OFR_PC_INCLUDEDIR "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

configure_file(cmake/offramp.pc.in offramp.pc @ONLY)
configure_file(cmake/offramp-static.pc.in offramp-static.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/offramp.pc ${PROJECT_BINARY_DIR}/offramp-static.pc
  DESTINATION ${OFR_PC_DIR})
configure_package_config_file(cmake/offramp-config.cmake.in offramp-config.cmake
  INSTALL_DESTINATION ${OFR_CMAKE_DIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(offramp-config-version.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/offramp-config.cmake
  ${PROJECT_BINARY_DIR}/offramp-config-version.cmake DESTINATION ${OFR_CMAKE_DIR})

install(FILES README.md CHANGELOG.md LICENSE CITATION.cff TYPE DOC)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES bindings/python/offramp.py DESTINATION ${CMAKE_INSTALL_DATADIR}/offramp/python)
if(EXISTS ${PROJECT_SOURCE_DIR}/models) # src/cli/default_model.c finds it there
  install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/offramp)
endif()
