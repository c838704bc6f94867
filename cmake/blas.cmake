# The BLAS of -DOFR_BLAS=ON: any with the C interface (cblas_sgemm) that pkg-config knows.
set(OFR_BLAS_MODULE openblas CACHE STRING "Name of the BLAS for pkg-config")
pkg_check_modules(BLAS IMPORTED_TARGET ${OFR_BLAS_MODULE})
if(NOT BLAS_FOUND)
  message(FATAL_ERROR "OFR_BLAS=ON: pkg-config does not know '${OFR_BLAS_MODULE}'. "
    "Debian has OpenBLAS in libopenblas-dev; -DOFR_BLAS_MODULE=NAME names another BLAS.")
endif()
include(CheckSymbolExists)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::BLAS)
check_symbol_exists(cblas_sgemm cblas.h OFR_BLAS_${OFR_BLAS_MODULE}_USABLE)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT OFR_BLAS_${OFR_BLAS_MODULE}_USABLE)
  message(FATAL_ERROR "OFR_BLAS=ON: '${OFR_BLAS_MODULE}' has no cblas_sgemm() in cblas.h; "
    "-DOFR_BLAS_MODULE=NAME names another BLAS, openblas for one.")
endif()
