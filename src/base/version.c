/* version.c - which library this is, and whether it serves a program's header. */
#include "base/status.h"

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

const char *ofr_version(void)
{
    return STRINGIFY(OFR_VERSION_MAJOR) "." STRINGIFY(OFR_VERSION_MINOR) "." STRINGIFY(
        OFR_VERSION_PATCH);
}

int ofr_version_number(void)
{
    return OFR_VERSION_NUMBER;
}

ofr_status ofr_version_check(int number, ofr_error *err)
{
    int major = number / 10000, minor = number / 100 % 100;
    if (major == OFR_VERSION_MAJOR && number >= 0 && minor <= OFR_VERSION_MINOR)
        return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "the program was compiled with offramp %d.%d, the library is %s; "
                    "install that version or compile the program again",
                    major, minor, ofr_version());
}
