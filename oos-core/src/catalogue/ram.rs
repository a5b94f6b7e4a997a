//! The product codes of RAM actions (service-model 6.3): `kvstore` of `kvstore:DescribeInstances`.

use std::sync::Arc;

use super::service_id;

/// Codes that are not the service id.
// CHOICE: `SAS` has three codes by operation and no table of them is public; `yundun-sas` covers the operations that
// templates call. `CLOUDAPI` as `apigateway` is believed, not read (service-model 6.3).
const CODES: [(&str, &str); 3] = [("r-kvstore", "kvstore"), ("sas", "yundun-sas"), ("cloudapi", "apigateway")];

/// The RAM product code of an operation. `api` will matter once the operations of `SAS` are known.
pub fn ram_code(service: &str, _api: &str) -> Arc<str> {
    let id = service_id(service);
    CODES.iter().find(|(service, _)| **service == *id).map_or(id, |(_, code)| (*code).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_service_in_lower_case_or_from_the_table() {
        assert_eq!(&*ram_code("ECS", "StopInstance"), "ecs");
        assert_eq!(&*ram_code("redis", "DescribeInstances"), "kvstore");
        assert_eq!(&*ram_code("CloudAPI", "AbolishApi"), "apigateway");
    }
}
