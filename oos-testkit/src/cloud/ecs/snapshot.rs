//! Snapshots, snapshot groups and automatic snapshot policies.

use std::{sync::Arc, time::Duration};

use oos_core::{Map, Timestamp, Value, params, ports::ApiError};

use super::{disk, make::map};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error, error_with},
    page::{TEN, page},
    params::Params,
    state::State,
    store::Resource,
    transition::nothing,
};

pub(crate) const KIND: &str = "ECS::Snapshot";
pub(crate) const UNKNOWN: &str = "InvalidSnapshotId.NotFound";
const GROUP: &str = "ECS::SnapshotGroup";
const POLICY: &str = "ECS::AutoSnapshotPolicy";

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeSnapshots", describe, ""),
    Api::new("CreateSnapshot", create, "DiskId!"),
    Api::new("DeleteSnapshot", delete, "SnapshotId!"),
    Api::new("DescribeSnapshotGroups", describe_groups, ""),
    Api::new(
        "CreateSnapshotGroup",
        create_group,
        "InstanceId! Name Description DiskId.N ExcludeDiskId.N InstantAccess InstantAccessRetentionDays StorageLocationArn Tag.N",
    ),
    Api::new("DeleteSnapshotGroup", delete_group, "SnapshotGroupId!"),
    Api::new("DescribeAutoSnapshotPolicyEx", describe_policies, ""),
    Api::new("ApplyAutoSnapshotPolicy", apply_policy, "autoSnapshotPolicyId! diskIds!"),
    Api::new("CancelAutoSnapshotPolicy", cancel_policy, "diskIds!"),
    Api::new("ModifyAutoSnapshotPolicyEx", modify_policy, "autoSnapshotPolicyId!"),
    Api::new(
        "CreateAutoSnapshotPolicy",
        create_policy,
        "timePoints! repeatWeekdays! retentionDays! autoSnapshotPolicyName regionId AssociationType CopiedSnapshotsRetentionDays EnableCrossRegionCopy TargetCopyRegions StorageLocationArn Tag.N",
    ),
    Api::new("DeleteAutoSnapshotPolicy", delete_policy, "autoSnapshotPolicyId! regionId"),
    Api::new(
        "ModifySnapshotAttribute",
        modify_snapshot,
        "SnapshotId! SnapshotName Description RetentionDays DisableInstantAccess",
    ),
];

/// Pairs of `Filter`, however they are written.
pub(super) fn filters(p: &Params) -> Vec<(String, String)> {
    let mut out = crate::cloud::params::tags_of(&p.get("Filter").parsed_if_json_text());
    out.extend((1..=4).filter_map(|n| {
        let key = p.str(&format!("Filter.{n}.Key"))?;
        Some((key.to_string(), p.text(&format!("Filter.{n}.Value")).to_string()))
    }));
    out
}

/// True when the resource was created in the window of the filters.
pub(super) fn in_window(r: &Resource, filters: &[(String, String)]) -> bool {
    filters.iter().all(|(key, value)| match (key.as_str(), Timestamp::parse(value)) {
        ("CreationStartTime", Ok(at)) => r.created >= at,
        ("CreationEndTime", Ok(at)) => r.created <= at,
        _ => true,
    })
}

fn view(r: &Resource, now: Timestamp) -> Value {
    let mut out = r.view();
    // CHOICE: progress goes in step with the delay of the table.
    let percent = match r.str("Status") {
        "accomplished" => 100,
        "failed" => 0,
        _ => (now.since(r.created).as_secs() * 100 / 60).min(99),
    };
    out.insert("Progress", format!("{percent}%"));
    out.insert("RemainTime", if percent == 100 { 0 } else { 60 - (percent * 60 / 100).min(60) });
    out.insert("Tags", r.tags_view());
    Value::from(out)
}

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags, filters) = (p.ids("SnapshotIds"), p.tags("Tag"), filters(p));
    let names = [
        ("DiskId", "SourceDiskId"),
        ("InstanceId", "_instance"),
        ("SnapshotName", "SnapshotName"),
        ("SnapshotType", "SnapshotType"),
        ("SourceDiskType", "SourceDiskType"),
    ];
    let equal: Vec<_> = names.iter().filter_map(|(given, member)| Some((*member, p.str(given)?))).collect();
    let (status, usage, now) = (p.str("Status"), p.str("Usage"), ctx.now());
    let wanted = ctx.narrowed(KIND, wanted, &equal, &tags);
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        equal.iter().all(|(m, v)| &r.text(m) == v)
            && status.as_deref().is_none_or(|s| s == "all" || r.str("Status") == s)
            && r.has_tags(&tags)
            && in_window(r, &filters)
    });
    let ids: Vec<_> = ids.into_iter().filter(|id| usage.as_deref().is_none_or(|u| usage_of(ctx.s, id) == u)).collect();
    let (ids, fields) = page(p, ids, TEN)?;
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| {
        let mut out = map(&view(r, now));
        out.insert("Usage", usage_of(ctx.s, &r.id));
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("Snapshots", "Snapshot", list, fields))
}

/// What a snapshot is used for.
pub(super) fn usage_of(state: &State, id: &str) -> &'static str {
    let disk = state.store.with(disk::KIND, "SourceSnapshotId", id).next().is_some();
    let image = state.store.with("ECS::Image", "_snapshots", id).next().is_some();
    match (image, disk) {
        (true, true) => "image_disk",
        (true, false) => "image",
        (false, true) => "disk",
        (false, false) => "none",
    }
}

/// Makes a snapshot of a disk, progressing.
pub(crate) fn add(state: &mut State, region: &str, disk_id: &str, name: &str) -> Arc<str> {
    let id = state.ids.next("s-", region);
    let disk = state.store.get(disk::KIND, disk_id);
    let get = |name: &str| disk.map_or(Value::Null, |r| r.data.get(name).cloned().unwrap_or_default());
    let data = params! {
        "SnapshotId" => id.as_str(), "SnapshotName" => name, "Status" => "progressing", "Description" => "",
        "SourceDiskId" => disk_id, "SourceDiskSize" => get("Size"), "SourceDiskType" => get("Type"),
        "CreationTime" => state.now.to_iso(), "Encrypted" => get("Encrypted"), "RetentionDays" => 0, "ResourceGroupId" => "",
        "SnapshotType" => "user", "ProductCode" => "", "KMSKeyId" => get("KMSKeyId"), "RegionId" => region,
        "Category" => "standard", "InstantAccess" => false, "_instance" => get("InstanceId"),
    };
    let id = state.add(KIND, id, region, map(&data));
    state.transit(KIND, &id, "create", nothing());
    id
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let disk_id = p.need("DiskId")?;
    let status = ctx.need(disk::KIND, &disk_id, disk::UNKNOWN)?.text("Status");
    if !["In_use", "Available"].contains(&&*status) {
        return Err(error("IncorrectDiskStatus"));
    }
    ctx.checked()?;
    let (region, days) = (Arc::clone(&ctx.region), p.int("RetentionDays")?);
    let id = add(ctx.s, &region, &disk_id, &p.text("SnapshotName"));
    let r = ctx.change(KIND, &id, UNKNOWN)?;
    r.set("Description", p.text("Description"));
    r.tags.extend(p.tags("Tag"));
    if let Some(days) = days.filter(|d| *d > 0) {
        r.set("RetentionDays", days);
        let (at, gone) = (ctx.now() + Duration::from_secs(u64::try_from(days * 86_400).unwrap_or(0)), Arc::clone(&id));
        ctx.s.queue.push(
            at,
            Box::new(move |state| {
                state.store.remove(KIND, &gone);
            }),
        );
    }
    Ok(params! { "SnapshotId" => id })
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("SnapshotId")?;
    ctx.need(KIND, &id, UNKNOWN)?;
    match usage_of(ctx.s, &id) {
        "image" | "image_disk" => return Err(error("SnapshotCreatedImage")),
        "disk" if !p.bool("Force") => return Err(error("SnapshotCreatedDisk")),
        _ => {}
    }
    ctx.checked()?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn create_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let instance = p.need("InstanceId")?;
    ctx.need("ECS::Instance", &instance, "InvalidInstanceId.NotFound")?;
    let region = Arc::clone(&ctx.region);
    let disks: Vec<Arc<str>> = ctx.s.store.ids_by(disk::KIND, "InstanceId", &instance);
    ctx.checked()?;
    let snapshots: Vec<Arc<str>> = disks.iter().map(|d| add(ctx.s, &region, d, "")).collect();
    let mut data = map(&params! {
        "InstanceId" => instance, "Name" => p.text("Name"), "Description" => p.text("Description"), "Status" => "progressing",
        "CreationTime" => ctx.now().to_iso(), "_snapshots" => snapshots,
    });
    let id = ctx.s.ids.next("ssg-", &region);
    data.insert("SnapshotGroupId", id.as_str());
    ctx.create_as(GROUP, &id, data)?;
    ctx.s.transit(GROUP, &id, "create", nothing());
    Ok(params! { "SnapshotGroupId" => id })
}

fn describe_groups(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, instance, tags) = (p.ids("SnapshotGroupId"), p.str("InstanceId"), p.tags("Tag"));
    let ids = ctx.ids(GROUP, wanted.as_deref(), |r| {
        instance.as_deref().is_none_or(|i| r.str("InstanceId") == i) && r.has_tags(&tags)
    });
    let (ids, fields) = page(p, ids, TEN)?;
    let list = ids.iter().filter_map(|id| ctx.find(GROUP, id)).map(|r| {
        let mut out = r.view();
        let snapshots: Value = r.list("_snapshots").into_iter().map(|s| params! { "SnapshotId" => s }).collect();
        out.insert("Snapshots", params! { "Snapshot" => snapshots });
        out.insert("Tags", r.tag_list("Key", "Value"));
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("SnapshotGroups", "SnapshotGroup", list, fields))
}

fn delete_group(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("SnapshotGroupId")?;
    let snapshots = ctx.need(GROUP, &id, "InvalidSnapshotGroupId.NotFound")?.list("_snapshots");
    ctx.checked()?;
    ctx.s.store.remove(GROUP, &id);
    for snapshot in snapshots {
        ctx.s.store.remove(KIND, &snapshot);
    }
    Ok(params! { "OperationProgressSet" => params! { "OperationProgress" => Value::empty_list() } })
}

/// Makes an automatic snapshot policy.
pub(crate) fn add_policy(state: &mut State, region: &str, id: &str, time_points: &str) {
    let data = params! {
        "AutoSnapshotPolicyId" => id, "AutoSnapshotPolicyName" => "", "TimePoints" => time_points,
        "RepeatWeekdays" => "[\"1\"]", "RetentionDays" => 7, "Status" => "Normal", "RegionId" => region, "DiskNums" => 0,
    };
    state.add(POLICY, id, region, map(&data));
}

fn describe_policies(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags) = (p.ids("AutoSnapshotPolicyId"), p.tags("Tag"));
    let ids = ctx.ids(POLICY, wanted.as_deref(), |r| r.has_tags(&tags));
    let (ids, fields) = page(p, ids, TEN)?;
    let count = |id: &str| ctx.s.store.ids_by(disk::KIND, "AutoSnapshotPolicyId", id).len();
    let list = ids.iter().filter_map(|id| ctx.find(POLICY, id)).map(|r| {
        let mut out: Map = r.view();
        out.insert("DiskNums", i64::try_from(count(&r.id)).unwrap_or(0));
        out.insert("Tags", r.tags_view());
        Value::from(out)
    });
    let list = list.collect();
    Ok(wrapped("AutoSnapshotPolicies", "AutoSnapshotPolicy", list, fields))
}

fn apply_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let policy = p.need("autoSnapshotPolicyId")?;
    ctx.need(POLICY, &policy, "InvalidAutoSnapshotPolicyId.NotFound")?;
    set_policy(ctx, p, &policy)
}

fn cancel_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    set_policy(ctx, p, "")
}

fn set_policy(ctx: &mut Ctx<'_>, p: &Params, policy: &str) -> Result<Value, ApiError> {
    let ids = p.need_list("diskIds")?;
    for id in &ids {
        ctx.need(disk::KIND, id, disk::UNKNOWN)?;
    }
    for id in &ids {
        let r = ctx.change(disk::KIND, id, disk::UNKNOWN)?;
        r.set("AutoSnapshotPolicyId", policy);
        r.set("EnableAutomatedSnapshotPolicy", !policy.is_empty());
    }
    done()
}

fn modify_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("autoSnapshotPolicyId")?;
    let names = [
        ("timePoints", "TimePoints"),
        ("repeatWeekdays", "RepeatWeekdays"),
        ("retentionDays", "RetentionDays"),
        ("autoSnapshotPolicyName", "AutoSnapshotPolicyName"),
    ];
    let r = ctx.change(POLICY, &id, "InvalidAutoSnapshotPolicyId.NotFound")?;
    for (given, member) in names {
        if p.has(given) {
            r.set(member, p.get(given).to_text());
        }
    }
    done()
}

fn create_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let id = ctx.s.ids.next("sp-", &region);
    add_policy(ctx.s, &region, &id, &p.get("timePoints").to_text());
    let mut given = p.clone();
    given.0.insert("autoSnapshotPolicyId", id.as_str());
    modify_policy(ctx, &given)?;
    ctx.change(POLICY, &id, "InvalidAutoSnapshotPolicyId.NotFound")?.tags.extend(p.tags("Tag"));
    Ok(params! { "AutoSnapshotPolicyId" => id })
}

/// Its disks are without a policy from then on.
fn delete_policy(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("autoSnapshotPolicyId")?;
    ctx.need(POLICY, &id, "InvalidAutoSnapshotPolicyId.NotFound")?;
    ctx.checked()?;
    for disk in ctx.s.store.ids_by(disk::KIND, "AutoSnapshotPolicyId", &id) {
        ctx.s.store.get_mut(disk::KIND, &disk).into_iter().for_each(|r| r.set("AutoSnapshotPolicyId", ""));
    }
    ctx.s.store.remove(POLICY, &id);
    done()
}

fn modify_snapshot(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("SnapshotId")?;
    ctx.set_given(KIND, &id, UNKNOWN, p, &["SnapshotName", "Description", "RetentionDays"])?;
    done()
}

/// The error of a snapshot in the wrong state.
pub(super) fn not_ready() -> ApiError {
    error_with("IncorrectSnapshotStatus", "The snapshot is not accomplished.")
}
