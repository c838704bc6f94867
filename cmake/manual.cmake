# The manual and the completions of shells: written by the program itself, from the
# tables that it parses its command line with, and installed.
set(OFR_MANUAL_DIR ${PROJECT_BINARY_DIR}/manual)
file(MAKE_DIRECTORY ${OFR_MANUAL_DIR})

# A verb is a file src/cli/cmd_VERB.c.
file(GLOB verbs RELATIVE ${PROJECT_SOURCE_DIR}/src/cli CONFIGURE_DEPENDS src/cli/cmd_*.c)
list(TRANSFORM verbs REPLACE "cmd_(.*)\\.c" "\\1")

set(OFR_MANUAL_FILES)
function(ofr_manual_file name)
  add_custom_command(OUTPUT ${OFR_MANUAL_DIR}/${name}
    COMMAND offramp help ${ARGN} > ${OFR_MANUAL_DIR}/${name}.part
    COMMAND ${CMAKE_COMMAND} -E rename ${OFR_MANUAL_DIR}/${name}.part
      ${OFR_MANUAL_DIR}/${name}
    DEPENDS offramp VERBATIM)
  set(OFR_MANUAL_FILES ${OFR_MANUAL_FILES} ${OFR_MANUAL_DIR}/${name} PARENT_SCOPE)
endfunction()

if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "skip manual and completions: the program does not run here; "
    "set CMAKE_CROSSCOMPILING_EMULATOR")
else()
  ofr_manual_file(offramp.1 --man)
  foreach(verb ${verbs})
    ofr_manual_file(offramp-${verb}.1 --man ${verb})
  endforeach()
  install(FILES ${OFR_MANUAL_FILES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  foreach(shell bash zsh fish)
    ofr_manual_file(offramp.${shell} --completion ${shell})
  endforeach()
  install(FILES ${OFR_MANUAL_DIR}/offramp.bash RENAME offramp
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  # Debian's zsh reads site-functions below /usr/local, and another folder below /usr.
  # Decided when it is installed: a package has another prefix than its build.
  install(CODE "
    set(folder site-functions)
    if(CMAKE_INSTALL_PREFIX MATCHES \"/usr$\" AND EXISTS /etc/debian_version)
      set(folder vendor-completions)
    endif()
    file(INSTALL \"${OFR_MANUAL_DIR}/offramp.zsh\" RENAME _offramp DESTINATION
      \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${folder}\")")
  install(FILES ${OFR_MANUAL_DIR}/offramp.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  add_custom_target(manual ALL DEPENDS ${OFR_MANUAL_FILES})
endif()
