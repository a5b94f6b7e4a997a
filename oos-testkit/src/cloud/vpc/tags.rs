//! Tag calls of VPC: the same tags, another shape of the types.

use crate::cloud::{api::Api, ecs::tags};

pub(crate) const APIS: &[Api] = &[
    Api::new("TagResources", tags::tag, "ResourceType! ResourceId.N! Tag.N!"),
    Api::new("UnTagResources", tags::untag, "ResourceType! ResourceId.N! TagKey.N Tag.N All"),
    Api::new("ListTagResources", tags::list, "ResourceType! ResourceId.N Tag.N"),
];
