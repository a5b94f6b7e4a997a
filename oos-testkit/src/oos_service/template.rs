//! Templates: made, changed, read, listed, checked (service-model 4.2 and 5).

use std::sync::Arc;

use oos_core::{
    Map, Template, TemplateName, Value, params,
    ports::{ApiError, template_store::StoredTemplate},
    source::{Node, SourceText},
};

use super::{
    OosService, PAGES, Who, error_with, has_tags, invalid, is_ascending,
    library::{Shelf, Version, format_of},
    missing, not_found, one_of, store_error, tags_in, within,
};
use crate::cloud::{page::page, params::Params};

/// Largest text (service-model 2.8).
const CONTENT: usize = 64 * 1024;
/// Most versions.
const VERSIONS: usize = 200;
/// Longest name.
const NAME: usize = 200;
/// Names that are kept for the service's own templates.
const RESERVED: [&str; 4] = ["ALIYUN", "ACS", "ALIBABA", "ALICLOUD"];
/// Most accounts in one call of sharing.
const SHARED: usize = 5;

fn check_name(name: &str) -> Result<(), ApiError> {
    let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if name.len() > NAME || !fits {
        return Err(invalid("TemplateName", "it has 1 to 200 letters, digits, hyphens and underscores"));
    }
    let upper = name.to_ascii_uppercase();
    match RESERVED.iter().find(|reserved| upper.starts_with(**reserved)) {
        Some(reserved) => Err(invalid("TemplateName", format_args!("names that start with {reserved} are reserved"))),
        None => Ok(()),
    }
}

impl OosService {
    /// Parses and compiles a text: what is kept can be run, as far as one template tells.
    fn compiled(&self, name: &str, text: &Arc<str>) -> Result<(Template, &'static str), ApiError> {
        if text.len() > CONTENT {
            return Err(error_with("LimitExceeded.Content", "A template has at most 64 KB."));
        }
        let source = SourceText::new(name, text.clone());
        let wrong = |found: oos_core::diagnostic::Diagnostics| error_with("InvalidTemplate", found.render());
        let template = Template::parse_source(source, self.0.engine.limits()).map_err(wrong)?;
        let category = self.0.engine.compile(&template).map_err(wrong)?.category();
        Ok((template, category))
    }

    fn version(&self, p: &Params, name: &str, who: &Who) -> Result<Version, ApiError> {
        let text = p.verbatim("Content").ok_or_else(|| missing("Content"))?;
        let (template, category) = self.compiled(name, &text)?;
        let (label, updated_by) = (p.text("VersionName"), who.label.as_str().into());
        Ok(Version { label, updated_by, updated: self.now(), ..Version::new(&template, text, category) })
    }

    pub(super) fn create_template(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let name = p.need("TemplateName")?;
        check_name(&name)?;
        let version = self.version(p, &name, who)?;
        let number = self.0.cloud.with(|state| state.ids.number("oos template id"));
        let shelf = Shelf {
            name: name.clone(),
            id: format!("t-{number:020x}").into(),
            created_by: who.label.as_str().into(),
            created: self.now(),
            tags: tags_in(p, "Tags")?,
            group: p.text("ResourceGroupId"),
            favorite: false,
            shared: Vec::new(),
            started: 0,
            versions: vec![version],
        };
        let shown = shown(&shelf, 1);
        if !self.0.library.add(shelf) {
            let message = format!("The template `{name}` exists already.");
            return Err(ApiError::service("EntityAlreadyExists.Template", 409, message));
        }
        self.0.engine.actions().forget(&TemplateName::new(name));
        Ok(params! { "Template" => shown, "TemplateType" => "Automation" })
    }

    /// UpdateTemplate: the next version, whatever has changed.
    pub(super) fn update_template(&self, p: &Params, who: &Who) -> Result<Value, ApiError> {
        let name = p.need("TemplateName")?;
        if self.0.library.find(&name).is_none() {
            return Err(not_found("Template", &name));
        }
        let version = self.version(p, &name, who)?;
        let tags = if p.has("Tags") { Some(tags_in(p, "Tags")?) } else { None };
        let shown = self.0.library.with(&name, |shelf| {
            let shelf = shelf.ok_or_else(|| not_found("Template", &name))?;
            if shelf.versions.len() == VERSIONS {
                let message = format!("A template has at most {VERSIONS} versions.");
                return Err(error_with("LimitExceeded.TemplateVersion", message));
            }
            shelf.versions.push(version);
            if let Some(tags) = tags {
                shelf.tags = tags;
            }
            if let Some(group) = p.str("ResourceGroupId") {
                shelf.group = group;
            }
            Ok(shown(shelf, shelf.versions.len()))
        })?;
        self.0.engine.actions().forget(&TemplateName::new(name));
        Ok(params! { "Template" => shown })
    }

    pub(super) fn update_attributes(&self, p: &Params) -> Result<Value, ApiError> {
        let name = p.need("TemplateName")?;
        let accounts = p.comma("AccountIds");
        if accounts.len() > SHARED {
            return Err(error_with("LimitExceeded.AccountIds", format!("One call shares with at most {SHARED}.")));
        }
        // CHOICE: the opposite of `Share` is not documented.
        let action = one_of(p, "SharePermissionAction", &["Share", "Unshare"])?;
        self.0.library.with(&name, |shelf| {
            let shelf = shelf.ok_or_else(|| not_found("Template", &name))?;
            if p.has("IsFavorite") {
                shelf.favorite = p.bool("IsFavorite");
            }
            if let Some(action) = action {
                shelf.shared.retain(|account| !accounts.contains(account));
                if action == "Share" {
                    shelf.shared.extend(accounts);
                }
            }
            Ok(Value::empty_map())
        })
    }

    /// DeleteTemplate and DeleteTemplates: all or none. Executions that have not ended stay.
    pub(super) async fn delete_templates(&self, p: &Params) -> Result<Value, ApiError> {
        let names = match p.str("TemplateName") {
            Some(name) => vec![name],
            None => p.need_list("TemplateNames")?,
        };
        if let Some(name) = names.iter().find(|name| self.0.library.find(name).is_none()) {
            return Err(not_found("Template", name));
        }
        for name in &names {
            if p.bool("AutoDeleteExecutions") {
                self.forget(&self.ended_of(name).await?).await?;
            }
            self.0.library.remove(name);
            self.0.engine.actions().forget(&TemplateName::new(name.clone()));
        }
        Ok(Value::empty_map())
    }

    /// A template of a store that the engine was given: public, one version.
    async fn public(&self, name: &str) -> Result<Option<StoredTemplate>, ApiError> {
        let name = TemplateName::new(name);
        self.0.engine.actions().template(&name, None).await.map_err(|e| store_error(&e))
    }

    pub(super) async fn get_template(&self, p: &Params) -> Result<Value, ApiError> {
        let (name, version) = (p.need("TemplateName")?, p.str("TemplateVersion"));
        if let Some(shelf) = self.0.library.find(&name) {
            let found = shelf.version(version.as_deref());
            let (number, found) = found.ok_or_else(|| {
                not_found("TemplateVersion", &format!("{name} {}", version.as_deref().unwrap_or_default()))
            })?;
            return Ok(params! { "Template" => shown(&shelf, number), "Content" => found.text.clone() });
        }
        let stored = self.public(&name).await?.ok_or_else(|| not_found("Template", &name))?;
        if version.is_some_and(|version| !version.eq_ignore_ascii_case(&stored.version)) {
            return Err(not_found("TemplateVersion", &name));
        }
        Ok(params! { "Template" => self.shown_public(&stored), "Content" => stored.source.text.clone() })
    }

    fn shown_public(&self, stored: &StoredTemplate) -> Value {
        let parsed = Template::parse_source(stored.source.clone(), self.0.engine.limits()).ok();
        let version = parsed.as_ref().map(|template| {
            let category = self.0.engine.compile(template).map_or("Other", |plan| plan.category());
            Version::new(template, stored.source.text.clone(), category)
        });
        let mut row = Map::new();
        row.insert("TemplateName", &stored.name);
        row.insert("TemplateVersion", stored.version.as_str());
        row.insert("TemplateFormat", format_of(&stored.source.text));
        for (key, value) in [("TemplateType", "Automation"), ("ShareType", "Public"), ("CreatedBy", "ACS")] {
            row.insert(key, value);
        }
        row.insert("Popularity", 1);
        if let Some(version) = version {
            row.extend(of_version(&version));
        }
        Value::from(row)
    }

    /// ListTemplates: private ones, and the public ones of the engine's stores.
    pub(super) async fn list_templates(&self, p: &Params) -> Result<Value, ApiError> {
        const FIELDS: [&str; 5] = ["TotalExecutionCount", "Popularity", "TemplateName", "CreatedDate", "UpdatedDate"];
        let field = one_of(p, "SortField", &FIELDS)?.unwrap_or("TotalExecutionCount");
        let (ascending, share) = (is_ascending(p)?, one_of(p, "ShareType", &["Private", "Public"])?);
        let mut rows = Vec::new();
        for shelf in self.0.library.all() {
            if share != Some("Public") && within(p, "CreatedDate", Some(shelf.created))? {
                rows.push(shown(&shelf, shelf.versions.len()));
            }
        }
        let dated = p.has("CreatedDateBefore") || p.has("CreatedDateAfter");
        if share != Some("Private") && !dated {
            for name in self.public_names().await? {
                if let Some(stored) = self.public(name.as_str()).await? {
                    rows.push(self.shown_public(&stored));
                }
            }
        }
        rows.retain(|row| listed(p, row));
        let key = |row: &Value| {
            let value = row.at(&[field]);
            (value.as_i64().unwrap_or(-1), value.to_text())
        };
        rows.sort_by(|a, b| if ascending { key(a).cmp(&key(b)) } else { key(b).cmp(&key(a)) });
        let (rows, mut fields) = page(p, rows, PAGES)?;
        fields.insert("Templates", rows.into_iter().collect::<Value>());
        Ok(Value::from(fields))
    }

    /// Templates of the engine's other stores; those under the names of actions are listed by ListActions.
    async fn public_names(&self) -> Result<Vec<TemplateName>, ApiError> {
        let mut names = Vec::new();
        for store in self.0.engine.actions().stores() {
            let listed = store.list().await.map_err(|e| store_error(&e))?;
            names.extend(listed.into_iter().filter(|name| !name.as_str().contains("::")));
        }
        names.retain(|name| self.0.library.find(name.as_str()).is_none());
        names.sort();
        names.dedup();
        Ok(names)
    }

    pub(super) async fn list_versions(&self, p: &Params) -> Result<Value, ApiError> {
        let name = p.need("TemplateName")?;
        let row = |number: usize, version: &Version| {
            let mut row = of_version(version);
            row.retain(|key, _| ["Description", "UpdatedBy", "UpdatedDate", "VersionName"].contains(&key));
            row.insert("TemplateVersion", format!("v{number}"));
            row.insert("TemplateFormat", version.format());
            Value::from(row)
        };
        let rows: Vec<Value> = match self.0.library.find(&name) {
            Some(shelf) => shelf.versions.iter().enumerate().map(|(i, v)| row(i + 1, v)).rev().collect(),
            None => {
                let stored = self.public(&name).await?.ok_or_else(|| not_found("Template", &name))?;
                vec![params! {
                    "TemplateVersion" => stored.version, "TemplateFormat" => format_of(&stored.source.text),
                }]
            }
        };
        let (rows, mut fields) = page(p, rows, PAGES)?;
        fields.insert("TemplateVersions", rows.into_iter().collect::<Value>());
        Ok(Value::from(fields))
    }

    /// ValidateTemplateContent: the parts of a template, or what is wrong with it.
    pub(super) fn validate(&self, p: &Params) -> Result<Value, ApiError> {
        if !p.has("Content") && p.has("TemplateURL") {
            return Err(invalid("TemplateURL", "nothing is fetched here: send the text as Content"));
        }
        let text = p.verbatim("Content").ok_or_else(|| missing("Content"))?;
        let (template, _) = self.compiled("<Content>", &text)?;
        let document = template.to_node();
        let part = |node: Option<&Node>| node.map_or_else(|| "{}".to_owned(), |node| node.to_value().to_string());
        let tasks = document.get("Tasks").and_then(Node::as_list).unwrap_or_default().iter().map(|task| {
            let word = |key: &str| task.get(key).map(|node| node.to_value().to_text()).unwrap_or_default();
            params! {
                "Name" => word("Name"), "Type" => word("Action"), "Description" => word("Description"),
                "Properties" => part(task.get("Properties")), "Outputs" => part(task.get("Outputs")),
            }
        });
        Ok(params! {
            "Parameters" => part(document.get("Parameters")), "Outputs" => part(document.get("Outputs")),
            "RamRole" => document.get("RamRole").map(|node| node.to_value().to_text()).unwrap_or_default(),
            "Tasks" => tasks.collect::<Value>(),
        })
    }

    /// GetTemplateParameterConstraints: the values that the template itself allows. CHOICE: what the service looks up in
    /// other products for a parameter is not documented, and not looked up.
    pub(super) async fn constraints(&self, p: &Params) -> Result<Value, ApiError> {
        let chosen = self.chosen(p).await?;
        let allowed = chosen.template.parameters.iter().filter_map(|parameter| {
            let values = parameter.allowed_values.as_ref()?.to_value();
            Some((parameter.name.value.text().clone(), values))
        });
        Ok(params! { "ParameterConstraints" => allowed.collect::<Map>() })
    }
}

fn of_version(version: &Version) -> Map {
    let date = version.updated.to_iso();
    let members = params! {
        "Hash" => version.hash.clone(), "Description" => version.description.clone(),
        "HasTrigger" => version.has_trigger, "Category" => version.category, "VersionName" => version.label.clone(),
        "UpdatedBy" => version.updated_by.clone(),
        // A public template has no date here.
        "UpdatedDate" => if version.updated_by.is_empty() { "" } else { date.as_str() },
    };
    members.as_map().cloned().unwrap_or_default()
}

/// A version of a private template as answers show it.
fn shown(shelf: &Shelf, number: usize) -> Value {
    let mut row = Map::new();
    let texts = [("TemplateName", &shelf.name), ("TemplateId", &shelf.id), ("CreatedBy", &shelf.created_by)];
    for (key, text) in texts {
        row.insert(key, text.clone());
    }
    row.insert("TemplateVersion", format!("v{number}"));
    row.insert("TemplateType", "Automation");
    row.insert("ShareType", "Private");
    row.insert("CreatedDate", shelf.created.to_iso());
    row.insert("Tags", shelf.tags.clone());
    row.insert("ResourceGroupId", shelf.group.clone());
    row.insert("IsFavorite", shelf.favorite);
    row.insert("Popularity", -1);
    row.insert("TotalExecutionCount", shelf.started);
    row.insert("SharedAccounts", shelf.shared.join(","));
    if let Some((_, version)) = shelf.version(Some(&format!("v{number}"))) {
        row.insert("TemplateFormat", version.format());
        row.extend(of_version(version));
    }
    Value::from(row)
}

/// The filters of ListTemplates that look at what a row shows.
fn listed(p: &Params, row: &Value) -> bool {
    let same = |parameter: &str, member: &str| {
        p.str(parameter).is_none_or(|wanted| wanted.eq_ignore_ascii_case(&row.at(&[member]).to_text()))
    };
    let tags = row.at(&["Tags"]).as_map().cloned().unwrap_or_default();
    p.str("TemplateName").is_none_or(|part| row.at(&["TemplateName"]).to_text().contains(&*part))
        && same("TemplateType", "TemplateType")
        && same("TemplateFormat", "TemplateFormat")
        && same("HasTrigger", "HasTrigger")
        && same("Category", "Category")
        && same("CreatedBy", "CreatedBy")
        && same("ResourceGroupId", "ResourceGroupId")
        && (!p.has("IsFavorite") || p.bool("IsFavorite") == (*row.at(&["IsFavorite"]) == Value::from(true)))
        // No template here is one of the console's examples.
        && !p.bool("IsExample")
        && has_tags(&tags, &p.tags("Tags"))
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_follow_the_documented_rule() {
        assert!(check_name("My-Template_1").is_ok());
        for wrong in ["acs-Mine", "AliyunX", "with space", "dots.too", &"x".repeat(201)] {
            assert_eq!(check_name(wrong).unwrap_err().code(), "InvalidParameter.TemplateName", "{wrong}");
        }
        assert!(check_name(&"x".repeat(200)).is_ok());
    }
}
