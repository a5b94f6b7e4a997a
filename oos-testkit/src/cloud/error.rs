//! The table of error codes: one line each, so that a correction is a change of data.
//!
//! Codes and statuses follow what the products document; where nobody documents them they are our choice, to be
//! corrected from a recorded answer as soon as one is at hand.

use oos_core::ports::ApiError;

/// Code, HTTP status, message.
pub(crate) const ERRORS: &[(&str, u16, &str)] = &[
    // Any service
    ("AccessDenied", 403, "You have no right to access this object."),
    ("DryRunOperation", 400, "Request validation has been passed with DryRun flag set."),
    (
        "Forbidden.RAM",
        403,
        "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    ),
    ("Forbidden.RAMSTS", 403, "The role is not authorized to operate on the specified resource."),
    ("IdempotentParameterMismatch", 400, "The client token was used with other parameters before."),
    ("IncorrectStatus", 400, "The status of the resource does not allow this operation."),
    ("InternalError", 500, "The request processing has failed due to some unknown error."),
    ("InvalidAction.NotFound", 404, "Specified api is not found, please check your url and method."),
    ("InvalidRegionId.NotFound", 404, "The specified RegionId does not exist."),
    ("InvalidSecurityToken.Expired", 403, "The security token has expired."),
    ("InvalidSecurityToken.Malformed", 400, "The security token is malformed."),
    ("InvalidStatus.ValueNotSupported", 400, "The specified status is not supported."),
    ("LastTokenProcessing", 409, "The last token request is processing."),
    ("NoPermission", 403, "You are not authorized to do this action."),
    ("OperationConflict", 409, "Request was denied due to conflict with a previous request."),
    ("QuotaExceeded", 403, "The quota of this resource is used up."),
    ("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."),
    ("SystemBusy", 400, "The system is busy."),
    ("TaskConflict", 409, "Another task of this resource is running."),
    ("Throttling", 400, "Request was denied due to request throttling."),
    ("Throttling.Api", 400, "Request was denied due to api flow control."),
    ("Throttling.User", 400, "Request was denied due to user flow control."),
    // ECS
    ("ChargeTypeViolation", 403, "The operation is not permitted due to the charge type of the instance."),
    ("DependencyViolation", 403, "The resource is still in use."),
    ("ImageUseShared", 403, "The specified image is shared with other accounts."),
    ("ImageUsingByInstance", 403, "The specified image is used by an instance."),
    ("IncorrectDiskStatus", 403, "The current disk status does not support this operation."),
    ("IncorrectEipStatus", 400, "The status of the EIP does not support this operation."),
    ("IncorrectInstanceStatus", 403, "The current status of the resource does not support this operation."),
    ("InstanceDiskLimitExceeded", 403, "The instance has reached its limit of disks."),
    (
        "InstanceLockedForSecurity",
        403,
        "The specified operation is denied as your instance is locked for security reasons.",
    ),
    ("InstanceNotReady", 403, "The specified instance is not ready for use."),
    ("InsufficientBalance", 403, "Your account does not have enough balance."),
    ("InvalidAccountStatus.NotEnoughBalance", 403, "Your account does not have enough balance."),
    ("InvalidAutoSnapshotPolicyId.NotFound", 404, "The specified auto snapshot policy does not exist."),
    ("InvalidCmdId.NotFound", 404, "The specified command does not exist."),
    ("InvalidDevice.InUse", 403, "The specified device is in use."),
    ("InvalidDiskId.NotFound", 404, "The specified disk does not exist."),
    ("InvalidEniId.NotFound", 404, "The specified network interface does not exist."),
    ("InvalidEniStatus", 400, "The status of the network interface does not support this operation."),
    ("InvalidImageId.NotFound", 404, "The specified image does not exist."),
    ("InvalidImageName.Duplicated", 400, "The specified image name exists already."),
    ("InvalidInstance.NotFound", 404, "The specified instances do not exist."),
    ("InvalidInstance.NotRunning", 403, "The specified instances are not running."),
    ("InvalidInstanceId.AlreadyExists", 400, "The instance is in the specified security group already."),
    ("InvalidInstanceId.NotFound", 404, "The specified InstanceId does not exist."),
    ("InvalidInstanceId.NotInSecurityGroup", 400, "The instance is not in the specified security group."),
    ("InvalidInvokeId.NotFound", 404, "The specified invocation does not exist."),
    ("InvalidKeyPair.NotFound", 404, "The specified key pair does not exist."),
    ("InvalidLaunchTemplate.NotFound", 404, "The specified launch template does not exist."),
    ("InvalidLaunchTemplateVersion.NotFound", 404, "The specified version of the launch template does not exist."),
    ("InvalidLaunchTemplateVersion.DefaultVersion", 403, "The default version cannot be deleted."),
    ("InvalidOperation.DeletionProtection", 403, "The operation is not allowed while deletion protection is on."),
    ("InvalidPublicIp.NotFound", 404, "The specified public address does not exist."),
    ("InvalidRamRole.NotFound", 404, "The specified RAM role does not exist."),
    ("InvalidReportId.NotFound", 404, "The specified diagnostic report does not exist."),
    ("InvalidResourceId.NotFound", 404, "The specified resource does not exist."),
    ("InvalidSecurityGroupId.NotFound", 404, "The specified security group does not exist."),
    ("InvalidSnapshotId.NotFound", 404, "The specified snapshot does not exist."),
    ("InvalidVSwitchId.NotFound", 404, "The specified VSwitch does not exist."),
    ("InvalidVpcId.NotFound", 404, "The specified VPC does not exist."),
    ("OperationDenied.ImageCopying", 403, "The specified image is being copied."),
    ("ResourcesNotInSameZone", 403, "The specified instance and disk are not in the same zone."),
    ("SnapshotCreatedDisk", 403, "The snapshot has been used to create a disk."),
    ("SnapshotCreatedImage", 403, "The snapshot has been used to create an image."),
    // VPC
    ("DependencyViolation.SecurityGroup", 400, "The VPC still has security groups."),
    ("DependencyViolation.VSwitch", 400, "The VPC still has VSwitches."),
    ("IncorrectStatus.VSwitch", 400, "The status of the VSwitch does not support this operation."),
    ("InvalidAllocationId.NotFound", 404, "The specified EIP does not exist."),
    ("InvalidBandwidthPackageId.NotFound", 404, "The specified bandwidth package does not exist."),
    ("InvalidForwardEntryId.NotFound", 404, "The specified forward entry does not exist."),
    ("InvalidForwardTableId.NotFound", 404, "The specified forward table does not exist."),
    ("InvalidNatGatewayId.NotFound", 404, "The specified NAT gateway does not exist."),
    ("OperationUnsupported.IpNotInCbwp", 400, "The address is not in the bandwidth package."),
    ("DependencyViolation.NatGateway", 400, "The NAT gateway still has entries."),
    ("InvalidBandwidthPackage.InUse", 400, "The bandwidth package still has addresses."),
    ("InvalidSnatEntryId.NotFound", 404, "The specified SNAT entry does not exist."),
    ("InvalidSnatTableId.NotFound", 404, "The specified SNAT table does not exist."),
    // RAM, STS
    ("EntityAlreadyExists.Policy", 409, "The policy exists already."),
    ("EntityAlreadyExists.Role", 409, "The role exists already."),
    ("EntityNotExist.Policy", 404, "The policy does not exist."),
    ("EntityNotExist.Role", 404, "The role does not exist."),
    ("EntityNotExist.User", 404, "The user does not exist."),
    ("InvalidParameter.DurationSeconds", 400, "The parameter DurationSeconds is wrongly formed."),
    ("InvalidParameter.PolicyGrammar", 400, "The policy is not well formed."),
    ("InvalidParameter.RoleArn", 400, "The parameter RoleArn is wrongly formed."),
    ("InvalidParameter.RoleSessionName", 400, "The parameter RoleSessionName is wrongly formed."),
    // SLB
    ("AclEntryEmpty", 400, "The entry list is empty."),
    ("AclEntryProcessing", 400, "The access control list is being changed."),
    ("BackendServer.configuring", 400, "The load balancer is being configured."),
    ("InvalidLoadBalancerId.NotFound", 404, "The specified LoadBalancerId does not exist."),
    ("InvalidVServerGroupId.NotFound", 404, "The specified VServer group does not exist."),
    ("InvalidAclId.NotFound", 404, "The specified access control list does not exist."),
    ("OperationFailed.DeleteProtection", 400, "The operation is not allowed while protection is on."),
    ("ListenerNotFound", 404, "The specified listener does not exist."),
    ("ResourceNotFound.LoadBalancer", 404, "The specified load balancer does not exist."),
    ("ResourceNotFound.ServerGroup", 404, "The specified server group does not exist."),
    ("IncorrectStatus.ServerGroup", 409, "The status of the server group does not support this operation."),
    ("ResourceNotFound.BackendServer", 404, "The specified backend server does not exist."),
    // ESS
    ("IncorrectCapacity.MaxSize", 400, "The capacity would be above MaxSize."),
    ("IncorrectCapacity.MinSize", 400, "The capacity would be below MinSize."),
    ("IncorrectCapacity.NoChange", 400, "The capacity would not change."),
    ("IncorrectScalingGroupStatus", 400, "The current status of the scaling group does not support this operation."),
    ("InvalidLifecycleActionToken.NotExist", 404, "The specified lifecycle action token does not exist."),
    ("InvalidLifecycleHookId.NotFound", 404, "The specified lifecycle hook does not exist."),
    ("InvalidScalingConfigurationId.NotFound", 404, "The specified scaling configuration does not exist."),
    ("InvalidScalingGroupId.NotFound", 404, "The specified scaling group does not exist."),
    ("InvalidScalingRuleAri.NotFound", 404, "The specified scaling rule does not exist."),
    ("InvalidScalingRuleId.NotFound", 404, "The specified scaling rule does not exist."),
    ("ScalingActivityInProgress", 400, "Another scaling activity is in progress."),
    ("IncorrectScalingConfigurationLifecycleState", 400, "The scaling configuration is in use."),
    ("InvalidInstanceId.InUse", 400, "The instance is in a scaling group already."),
    ("InvalidScheduledTaskId.NotFound", 404, "The specified scheduled task does not exist."),
    // ROS
    ("StackExists", 409, "A stack of this name exists already."),
    ("StackNotFound", 404, "The stack does not exist."),
    ("StackValidationFailed", 400, "The template is not valid."),
    ("TemplateNotFound", 404, "The template does not exist."),
    ("ActionInProgress", 409, "Another action of this stack is in progress."),
    // RDS, Redis, other databases
    ("BackupJobExists", 400, "A backup job is running already."),
    ("IncorrectDBInstanceState", 403, "The current state of the instance does not support this operation."),
    ("InvalidAccountName.Duplicate", 400, "The account exists already."),
    ("InvalidAccountName.NotFound", 404, "The account does not exist."),
    ("InvalidDBClusterId.NotFound", 404, "The specified DBClusterId does not exist."),
    ("InvalidDBInstanceId.NotFound", 404, "The specified DBInstanceId does not exist."),
    ("InvalidDBInstanceStatus.NotSupport", 400, "The current status of the instance does not support this operation."),
    ("InvalidDBName.Duplicate", 400, "The database exists already."),
    ("InvalidDBName.NotFound", 404, "The database does not exist."),
    ("InvalidSecurityIPList.Format", 400, "The address list is not well formed."),
    ("OperationDenied.DBInstanceStatus", 403, "The operation is not permitted in the current status of the instance."),
    ("InstanceReleaseProtection", 400, "The instance is protected against release."),
    // DNS, CloudMonitor, keys and secrets
    ("InvalidRecordId.NotFound", 404, "The specified record does not exist."),
    ("Rejected.ResourceExist", 400, "The resource exists already."),
    ("Forbidden.ResourceNotFound", 404, "The specified secret does not exist."),
    ("Rejected.Disabled", 409, "The key or secret cannot be used in its present state."),
    // ECD, HBR, CS, others
    ("InvalidDesktopId.NotFound", 404, "The specified cloud desktop does not exist."),
    ("IncorrectDesktopStatus", 400, "The current status of the desktop does not support this operation."),
    ("Forbidden.KeyNotFound", 404, "The specified key does not exist."),
    ("ErrorClusterNotFound", 404, "The cluster does not exist."),
    ("ErrorNodePoolNotFound", 404, "The node pool does not exist."),
    ("ErrorTaskNotFound", 404, "The task does not exist."),
    ("NotFoundApi", 404, "The specified API does not exist."),
    ("InvalidServiceInstanceId.NotFound", 404, "The specified service instance does not exist."),
    ("EntityAlreadyExists.Parameter", 409, "The parameter exists already."),
    ("EntityNotExists.Parameter", 404, "The parameter does not exist."),
    ("InstanceNotExist", 404, "The instance does not exist."),
    ("OrderNotFound", 404, "The order does not exist."),
    ("ServiceNotFound", 404, "The service does not exist."),
    ("FunctionNotFound", 404, "The function does not exist."),
    ("InvalidDomain.NotFound", 404, "The domain does not exist."),
    // OSS
    ("BucketAlreadyExists", 409, "The requested bucket name is not available."),
    ("NoSuchBucket", 404, "The specified bucket does not exist."),
    ("NoSuchBucketPolicy", 404, "The bucket policy does not exist."),
    ("NoSuchServerSideEncryptionRule", 404, "The server side encryption configuration does not exist."),
    ("MalformedXML", 400, "The XML you provided was not well-formed."),
    ("InvalidArgument", 400, "The argument is not valid."),
    ("InvalidPolicyDocument", 400, "The policy document is not valid."),
    // What the products say about less common mistakes
    ("ClusterNotFound", 400, "The cluster does not exist."),
    ("ComboError", 400, "The combination of parameters is not valid."),
    ("DeleteConflict.Policy", 409, "The policy is attached to somebody."),
    ("DeleteConflict.Role.Policy", 409, "The role has policies."),
    ("EntityNotExist.User.LoginProfile", 404, "The user has no login profile."),
    ("IncorrectImageStatus", 403, "The current status of the image does not support this operation."),
    ("IncorrectSnapshotStatus", 403, "The current status of the snapshot does not support this operation."),
    ("InvalidAssociation.NotExist", 400, "The EIP is not bound to the specified instance."),
    ("InvalidChargeType.NotSupport", 400, "The billing method does not support this operation."),
    ("InvalidConnectionString.NotFound", 404, "The connection string does not exist."),
    ("InvalidCurrentConnectionString.NotFound", 404, "The connection string does not exist."),
    ("InvalidDiskSize.TooSmall", 400, "The specified size is too small."),
    ("InvalidInstance.AlreadyHasEip", 400, "The instance has an EIP already."),
    ("InvalidLaunchTemplateName.Duplicated", 400, "The name of the launch template exists already."),
    ("InvalidLifecycleHookName.Duplicate", 400, "The name of the life-cycle hook exists already."),
    ("InvalidOperation.AlreadyAllocated", 400, "The instance has a public address already."),
    ("InvalidParameter.NotFound", 404, "The specified resource does not exist."),
    ("KeyPair.AlreadyExist", 400, "The key pair exists already."),
    ("LimitExceeded.Names", 400, "Too many names are given."),
    ("LimitExceeded.ResourceIds", 400, "Too many resources are named."),
    ("LimitExceeded.Tags", 400, "Too many tags are given."),
    ("NotFoundApiGroup", 404, "The API group does not exist."),
    ("NotFoundInstance", 404, "The instance does not exist."),
    ("NumberExceed.ResourceARN", 400, "Too many resources are named."),
    ("NumberExceed.Tags", 400, "Too many tags are named."),
    ("OperationDenied.DeletionProtection", 400, "The operation is not allowed while deletion protection is on."),
    ("OperationUnsupported.IpInCbwp", 400, "The address is in a bandwidth package already."),
    ("QuotaExceeded.TagsPerResource", 403, "The quota of tags of a resource is used up."),
    ("InvalidDeploymentSetId.NotFound", 404, "The specified deployment set does not exist."),
    ("InvalidParameter.KeypairAlreadyAttachedInstance", 400, "An instance uses the key pair."),
    ("ResourceNotFound", 404, "The resource does not exist."),
];

/// The error of a code, with the status and message of the table (400 for a code that is not there).
pub(crate) fn error(code: &str) -> ApiError {
    let (status, message) = lookup(code);
    ApiError::service(code, status, message)
}

/// The same with a message of its own.
pub(crate) fn error_with(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::service(code, lookup(code).0, message.into())
}

/// `MissingParameter.<Name>`.
pub(crate) fn missing(name: &str) -> ApiError {
    let text = format!("The input parameter \"{name}\" that is mandatory for processing this request is not supplied.");
    ApiError::service(format!("MissingParameter.{name}"), 400, text)
}

/// `InvalidParameter.<Name>`.
pub(crate) fn invalid(name: &str, why: impl std::fmt::Display) -> ApiError {
    ApiError::service(
        format!("InvalidParameter.{name}"),
        400,
        format!("The specified value of \"{name}\" is not valid: {why}."),
    )
}

fn lookup(code: &str) -> (u16, &'static str) {
    ERRORS.iter().find(|(c, ..)| *c == code).map_or_else(|| (guess(code), "The request failed."), |(_, s, m)| (*s, *m))
}

/// CHOICE: the status of a code that the table does not have.
fn guess(code: &str) -> u16 {
    if code.ends_with(".NotFound") || code.starts_with("NoSuch") { 404 } else { 400 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once() {
        let mut codes: Vec<&str> = ERRORS.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        let all = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    /// Codes of one parameter, which `missing` and `invalid` make, have no line.
    #[test]
    fn every_code_that_the_fake_uses_stands_in_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cloud");
        let used =
            fancy_regex::Regex::new(r#"(?:\berror(?:_with)?\(\s*|UNKNOWN: &str = |line\([^)]*, )"([A-Za-z.]+)""#)
                .unwrap();
        let (mut files, mut folders) = (0, vec![folder]);
        let mut found: Vec<(String, String)> = Vec::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                let codes = used.captures_iter(&text).map(|c| c.unwrap().get(1).unwrap().as_str().to_owned());
                found.extend(codes.map(|code| (code, path.display().to_string())));
            }
        }
        assert!(files > 50 && found.len() > 100, "{files} files, {} codes", found.len());
        let of_parameter = |code: &str| code.starts_with("InvalidParameter.") || code.starts_with("MissingParameter.");
        let unknown: Vec<_> = found
            .iter()
            .filter(|(code, _)| !of_parameter(code) && !ERRORS.iter().any(|(known, ..)| known == code))
            .collect();
        assert!(unknown.is_empty(), "{unknown:#?}");
    }

    #[test]
    fn statuses_come_from_the_table() {
        let ApiError::Service { http_status, .. } = error("IncorrectInstanceStatus") else { panic!() };
        assert_eq!(http_status, 403);
        assert_eq!(missing("RegionId").code(), "MissingParameter.RegionId");
    }
}
