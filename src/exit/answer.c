/* answer.c - who is to blame for an answer that is no number. */
#include "exit/answer.h"

#include "model/weights.h"

ofr_status ofr_answer_check(const ofr_encoder *encoder, const ofr_real *z, size_t n,
                            long long text, ofr_error *err)
{
    const ofr_dtype own = sizeof *z == sizeof(float) ? OFR_F32 : OFR_F64;
    if (!encoder->files || ofr_dtype_finite(z, own, n)) return OFR_OK;
    OFR_TRY(ofr_weights_search(encoder->files, err));
    return ofr_fail(err, OFR_FORMAT,
                    "text %lld: the result is not finite although all weights are: they "
                    "are too large; train or convert the model again",
                    text);
}
