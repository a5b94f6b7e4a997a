//! The resource types of `ACS::SelectTargets` and the call that lists each (actions.md 14.2).

/// Type, service, operation.
pub(super) const TARGETS: [(&str, &str, &str); 6] = [
    ("ALIYUN::ECS::Instance", "ECS", "DescribeInstances"),
    ("ALIYUN::ECS::ManagedInstance", "ECS", "DescribeManagedInstances"),
    ("ALIYUN::ECD::Desktop", "ECD", "DescribeDesktops"),
    ("ALIYUN::RDS::Instance", "RDS", "DescribeDBInstances"),
    ("ALIYUN::Redis::Instance", "R-KVSTORE", "DescribeInstances"),
    ("ALIYUN::ComputeNestSupplier::Instance", "ComputeNestSupplier", "ListServiceInstances"),
];

/// The name of the action.
pub(super) const ACTION: &str = "ACS::SelectTargets";

/// The look-up of application groups, which the action may make for any type (service-model 6.3).
pub(super) const GROUPS: (&str, &str) = ("OOS", "GetApplicationGroup");

/// The call that lists resources of a type, case ignored.
pub(super) fn listing(resource_type: &str) -> Option<(&'static str, &'static str)> {
    let found = TARGETS.iter().find(|(name, _, _)| name.eq_ignore_ascii_case(resource_type.trim()))?;
    Some((found.1, found.2))
}
