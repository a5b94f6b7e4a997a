//! The embedded API catalogue (feature `catalogue`): official names, places and forms of parameters, paging style,
//! idempotency tokens, response shapes.
