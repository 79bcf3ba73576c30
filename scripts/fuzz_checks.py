"""A check of our own beside those of schemathesis: what the document calls right is not refused for its form."""

import schemathesis

# What the server calls a body or parameter that does not have the form which the document describes. A rule of the domain
# has a code of its own, and so has what a parser knows beyond its pattern, such as an area code that is not in the plan.
FORM = {
    "field_missing",
    "field_twice",
    "field_unknown",
    "list_too_long",
    "number_out_of_bounds",
    "parameter_missing",
    "parameter_twice",
    "parameter_unknown",
    "text_too_long",
    "time_invalid",
    "type_wrong",
    "word_unknown",
    "id_invalid",
    "address_key_malformed",
    "idempotency_key_invalid",
}
FORM_ENDINGS = ("_character", "_empty", "_too_short", "_spaces")
# Endings of codes that are none of a form: a list or a range that says nothing, and a range that cannot be.
OTHER = {"list_empty", "port_window_empty", "number_character", "number_too_short", "text_empty"}


def is_form(error):
    code = error["code"]
    # Which of two fields should be there is a matter of form too, but for flat bodies, where a description says it.
    if code == "choice":
        return error["pointer"] != ""
    return code in FORM or (code.endswith(FORM_ENDINGS) and code not in OTHER)


@schemathesis.check
def refused_for_its_form(ctx, response, case):
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 415, 422):
        return
    problem = response.json()
    # The token endpoint refuses in the words of OAuth 2.0, which do not say what a form lacks.
    if "error" in problem:
        return
    wrong = [error for error in problem.get("errors", []) if is_form(error)]
    if response.status_code != 422 or wrong:
        raise AssertionError(f"the document calls it right, and it is refused for its form: {problem['code']} {wrong}")
