//! Disks.

use std::sync::Arc;

use oos_core::{Value, params, ports::ApiError};

use super::{
    instance::{self, in_state},
    make::{self, Disk},
};
use crate::cloud::{
    api::{Api, Ctx, done, wrapped},
    error::{error, error_with, invalid, missing},
    page::{TEN, page},
    params::Params,
    state::State,
    store::Resource,
    transition::nothing,
};

pub(crate) const KIND: &str = "ECS::Disk";
pub(crate) const UNKNOWN: &str = "InvalidDiskId.NotFound";

/// CHOICE: most data disks of an instance.
const MOST_DISKS: usize = 16;

pub(crate) const APIS: &[Api] = &[
    Api::new("DescribeDisks", describe, ""),
    Api::new("CreateDisk", create, ""),
    Api::new("DeleteDisk", delete, "DiskId!"),
    Api::new("AttachDisk", attach, "DiskId! InstanceId!"),
    Api::new("DetachDisk", detach, "DiskId! InstanceId!"),
    Api::new("ModifyDiskAttribute", modify, ""),
    Api::new("ModifyDiskSpec", spec, "DiskId!"),
    Api::new("ResizeDisk", resize, "DiskId! NewSize!"),
    Api::new("ReInitDisk", reinit, "DiskId!"),
    Api::new("ResetDisk", reset, "DiskId! SnapshotId!"),
    Api::new("ReplaceSystemDisk", replace, "InstanceId!"),
];

fn describe(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (wanted, tags, kind) = (p.ids("DiskIds"), p.tags("Tag"), p.text("DiskType").to_ascii_lowercase());
    let members = ["InstanceId", "AutoSnapshotPolicyId", "Category", "Status", "ZoneId", "DiskName"];
    let equal: Vec<_> = members.iter().filter_map(|m| Some((*m, p.str(m)?))).collect();
    let wanted = ctx.narrowed(KIND, wanted, &equal, &tags);
    let ids = ctx.ids(KIND, wanted.as_deref(), |r| {
        (kind.is_empty() || kind == "all" || r.str("Type") == kind)
            && equal.iter().all(|(m, v)| r.text(m).eq_ignore_ascii_case(v) || (&**v == "All" && *m == "Status"))
            && r.has_tags(&tags)
    });
    let (ids, fields) = page(p, ids, TEN.tokens(10, 500))?;
    ids.iter().for_each(|id| ctx.s.described(KIND, id));
    let list = ids.iter().filter_map(|id| ctx.find(KIND, id)).map(|r| r.shown(Resource::tagged_view));
    let list = list.collect();
    Ok(wrapped("Disks", "Disk", list, fields))
}

fn create(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let instance = p.str("InstanceId");
    let zone = match &instance {
        Some(id) => ctx.need(instance::KIND, id, instance::UNKNOWN)?.text("ZoneId"),
        None => p.str("ZoneId").ok_or_else(|| missing("ZoneId"))?,
    };
    let snapshot = p.str("SnapshotId");
    let of_snapshot = match &snapshot {
        Some(id) => Some(ctx.need("ECS::Snapshot", id, "InvalidSnapshotId.NotFound")?.int("SourceDiskSize")),
        None => None,
    };
    let size = p.int("Size")?.or(of_snapshot).ok_or_else(|| missing("Size"))?;
    let base = Disk::data();
    let disk = Disk {
        size,
        category: p.str("DiskCategory").map_or(base.category.clone(), |c| c.to_string()),
        name: p.text("DiskName").to_string(),
        description: p.text("Description").to_string(),
        performance_level: p.str("PerformanceLevel").map_or(base.performance_level.clone(), |l| l.to_string()),
        encrypted: p.bool("Encrypted"),
        kms_key: p.text("KMSKeyId").to_string(),
        delete_with_instance: instance.is_some(),
        snapshot: snapshot.map_or_else(String::new, |s| s.to_string()),
        ..base
    };
    ctx.checked()?;
    let region = Arc::clone(&ctx.region);
    let id = make::add_disk(ctx.s, &region, &zone, instance.as_deref(), &disk, "");
    let tags = p.tags("Tag");
    ctx.change(KIND, &id, UNKNOWN)?.tags.extend(tags);
    ctx.s.transit(KIND, &id, if instance.is_some() { "attach" } else { "create" }, nothing());
    Ok(params! { "DiskId" => id })
}

fn in_status(ctx: &Ctx<'_>, id: &str, legal: &[&str]) -> Result<(), ApiError> {
    let status = ctx.need(KIND, id, UNKNOWN)?.str("Status");
    if legal.contains(&status) {
        return Ok(());
    }
    Err(error_with(
        "IncorrectDiskStatus",
        format!("The status \"{status}\" of the disk \"{id}\" does not support this operation."),
    ))
}

fn delete(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("DiskId")?;
    in_status(ctx, &id, &["Available"])?;
    ctx.checked()?;
    ctx.s.store.remove(KIND, &id);
    done()
}

fn attach(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, instance) = (p.need("DiskId")?, p.need("InstanceId")?);
    in_status(ctx, &id, &["Available"])?;
    let (zone, kind, born_on) = {
        let disk = ctx.need(KIND, &id, UNKNOWN)?;
        (disk.text("ZoneId"), disk.text("Type"), disk.text("_born_on"))
    };
    let of_system = &*kind == "system" || ctx.need(KIND, &id, UNKNOWN)?.is_true("_of_system");
    // A system disk that is not to boot from is a data disk where it is not at home.
    let bootable = p.bool("Bootable") || (of_system && born_on == instance);
    in_state(ctx, &instance, if bootable { &["Stopped"] } else { &["Running", "Stopped"] })?;
    if ctx.need(instance::KIND, &instance, instance::UNKNOWN)?.str("ZoneId") != &*zone {
        return Err(error("ResourcesNotInSameZone"));
    }
    if of_system && bootable && born_on != instance {
        return Err(error_with("IncorrectDiskStatus", "A system disk goes back only to its own instance."));
    }
    if bootable && !p.has("Password") && !p.has("KeyPairName") {
        return Err(missing("Password"));
    }
    if ctx.s.store.with(KIND, "InstanceId", &instance).filter(|d| d.str("Type") == "data").count() >= MOST_DISKS {
        return Err(error("InstanceDiskLimitExceeded"));
    }
    let device = p.str("Device");
    let taken = |d: &str| ctx.s.store.with(KIND, "InstanceId", &instance).any(|r| r.str("Device") == d);
    if device.as_deref().is_some_and(taken) {
        return Err(error("InvalidDevice.InUse"));
    }
    ctx.checked()?;
    let device = device.map_or_else(|| make::next_device(ctx.s, &instance), |d| d.to_string());
    let (now, goes) = (ctx.now().to_iso(), p.str("DeleteWithInstance"));
    let disk = ctx.change(KIND, &id, UNKNOWN)?;
    disk.set("InstanceId", instance);
    disk.set("Device", device);
    disk.set("AttachedTime", now);
    if of_system {
        disk.set("_of_system", true);
        disk.set("Type", if bootable { "system" } else { "data" });
    }
    if let Some(flag) = goes {
        disk.set("DeleteWithInstance", flag.eq_ignore_ascii_case("true"));
    }
    ctx.s.transit(KIND, &id, "attach", nothing());
    done()
}

fn detach(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, instance) = (p.need("DiskId")?, p.need("InstanceId")?);
    in_status(ctx, &id, &["In_use"])?;
    let disk = ctx.need(KIND, &id, UNKNOWN)?;
    if disk.str("InstanceId") != &*instance {
        return Err(error_with("InvalidInstanceId.NotFound", "The disk is not attached to the specified instance."));
    }
    let system = disk.str("Type") == "system";
    in_state(ctx, &instance, if system { &["Stopped"] } else { &["Running", "Stopped"] })?;
    ctx.checked()?;
    let disk = Arc::clone(&id);
    ctx.s.transit(
        KIND,
        &id,
        "detach",
        Box::new(move |state, ok| {
            let now = state.now.to_iso();
            if let Some(r) = state.store.get_mut(KIND, &disk).filter(|_| ok) {
                r.set("InstanceId", "");
                r.set("Device", "");
                r.set("DetachedTime", now);
            }
        }),
    );
    done()
}

fn modify(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let ids = if p.has("DiskId") { p.list("DiskId") } else { p.need_list("DiskIds")? };
    for id in &ids {
        ctx.need(KIND, id, UNKNOWN)?;
    }
    for id in &ids {
        ctx.set_given(KIND, id, UNKNOWN, p, &["DiskName", "Description"])?;
        for name in ["DeleteWithInstance", "DeleteAutoSnapshot", "EnableAutoSnapshot"] {
            if p.has(name) {
                ctx.change(KIND, id, UNKNOWN)?.set(name, p.bool(name));
            }
        }
    }
    done()
}

fn spec(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("DiskId")?;
    in_status(ctx, &id, &["In_use", "Available"])?;
    ctx.checked()?;
    ctx.set_given(KIND, &id, UNKNOWN, p, &["PerformanceLevel", "ProvisionedIops"])?;
    if let Some(category) = p.str("DiskCategory") {
        ctx.change(KIND, &id, UNKNOWN)?.set("Category", category);
    }
    Ok(params! { "TaskId" => "t-fake-disk-spec", "OrderId" => ctx.s.ids.number("order").to_string() })
}

fn resize(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, size) = (p.need("DiskId")?, p.int("NewSize")?.unwrap_or(0));
    in_status(ctx, &id, &["In_use", "Available"])?;
    if size <= ctx.need(KIND, &id, UNKNOWN)?.int("Size") {
        return Err(error_with("InvalidDiskSize.TooSmall", "The new size must be larger than the present one."));
    }
    ctx.checked()?;
    ctx.change(KIND, &id, UNKNOWN)?.set("Size", size);
    Ok(params! { "OrderId" => ctx.s.ids.number("order").to_string() })
}

fn attached_to_stopped(ctx: &Ctx<'_>, id: &str) -> Result<(), ApiError> {
    in_status(ctx, id, &["In_use"])?;
    let instance = ctx.need(KIND, id, UNKNOWN)?.text("InstanceId");
    in_state(ctx, &instance, &["Stopped"])
}

fn reinit(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let id = p.need("DiskId")?;
    attached_to_stopped(ctx, &id)?;
    ctx.checked()?;
    ctx.s.transit(KIND, &id, "reinit", nothing());
    done()
}

fn reset(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let (id, snapshot) = (p.need("DiskId")?, p.need("SnapshotId")?);
    attached_to_stopped(ctx, &id)?;
    let of = ctx.need("ECS::Snapshot", &snapshot, "InvalidSnapshotId.NotFound")?;
    if of.str("SourceDiskId") != &*id {
        return Err(invalid("SnapshotId", "it is not a snapshot of this disk"));
    }
    if of.str("Status") != "accomplished" {
        return Err(error_with("IncorrectSnapshotStatus", "The snapshot is not accomplished."));
    }
    ctx.checked()?;
    ctx.change(KIND, &id, UNKNOWN)?.set("_reset_to", snapshot);
    ctx.s.transit(KIND, &id, "reset", nothing());
    done()
}

/// The system disk of an instance.
pub(crate) fn system_disk(state: &State, instance: &str) -> Option<Arc<str>> {
    let disk = |r: &&crate::cloud::store::Resource| r.str("InstanceId") == instance && r.str("Type") == "system";
    state.store.all(KIND).find(disk).map(|r| Arc::clone(&r.id))
}

fn replace(ctx: &mut Ctx<'_>, p: &Params) -> Result<Value, ApiError> {
    let instance = p.need("InstanceId")?;
    in_state(ctx, &instance, &["Stopped"])?;
    let old_image = ctx.need(instance::KIND, &instance, instance::UNKNOWN)?.text("ImageId");
    let image = p.str("ImageId").unwrap_or(old_image);
    let windows = make::is_windows(ctx, &image)?;
    ctx.checked()?;
    let (region, zone) =
        (Arc::clone(&ctx.region), ctx.need(instance::KIND, &instance, instance::UNKNOWN)?.text("ZoneId"));
    let old = system_disk(ctx.s, &instance).and_then(|id| ctx.s.store.remove(KIND, &id));
    let base = Disk::system();
    let keep = |name: &str, other: String| {
        old.as_ref().map(|r| r.text(name).to_string()).filter(|t| !t.is_empty()).unwrap_or(other)
    };
    let disk = Disk {
        category: keep("Category", base.category.clone()),
        size: p
            .sub("SystemDisk", "Size")
            .to_text()
            .parse()
            .ok()
            .unwrap_or_else(|| old.as_ref().map_or(40, |r| r.int("Size"))),
        performance_level: keep("PerformanceLevel", base.performance_level.clone()),
        encrypted: p.bool("Encrypted") || super::image::is_encrypted(ctx.s, &image),
        kms_key: p.text("KMSKeyId").to_string(),
        delete_with_instance: old.as_ref().is_none_or(|r| r.is_true("DeleteWithInstance")),
        ..base
    };
    let id = make::add_disk(ctx.s, &region, &zone, Some(&instance), &disk, &image);
    ctx.s.transit(KIND, &id, "replace", nothing());
    let r = ctx.change(instance::KIND, &instance, instance::UNKNOWN)?;
    r.set("ImageId", image);
    r.set("OSType", if windows { "windows" } else { "linux" });
    if let Some(name) = p.str("KeyPairName") {
        r.set("KeyPairName", name);
    }
    Ok(params! { "DiskId" => id })
}
