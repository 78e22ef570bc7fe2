# tandem_embed(target name source header): compiles the text file, or the folder's *.yaml files, SOURCE into TARGET,
# where tandem::NAME(), declared in HEADER, returns them as (file name, text) pairs sorted by name.
function(tandem_embed target name source header)
  if(IS_DIRECTORY "${source}")
    file(GLOB files CONFIGURE_DEPENDS "${source}/*.yaml")
    list(SORT files)
  else()
    set(files "${source}")
  endif()
  set(output "${PROJECT_BINARY_DIR}/embedded/${name}.cpp")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DNAME=${name}" "-DHEADER=${header}" "-DFILES=${files}" -P
            "${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake"
    DEPENDS ${files} "${PROJECT_SOURCE_DIR}/cmake/write_embedded.cmake"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
