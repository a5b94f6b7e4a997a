//! Clouds from YAML texts.

#![expect(clippy::unwrap_used, reason = "tests")]

use oos_testkit::{Fixture, prelude::*};

const ALL: &str = "
at: 2026-01-09T16:00:00Z
seed: 7
profile: Realistic
enforcement: On
roles:
  - name: Worker
    policy: {Version: '1', Statement: [{Effect: Allow, Action: 'ecs:DescribeInstances', Resource: '*'}]}
images: [base]
instances:
  - {as: web, count: 2, name: 'web-{n}', status: Stopped, tags: {team: web}, dataDisks: [60, 80]}
  - {id: i-db, region: cn-beijing, zone: cn-beijing-h, type: ecs.g7.xlarge, publicIp: true, encrypted: true, with: {Description: x}}
disks:
  - {as: free, size: 20, zone: cn-hangzhou-h}
launchTemplates:
  - {as: launch, name: web, versions: [{ImageId: m-1}, {ImageId: m-2}]}
databases:
  - {as: cache, product: redis, with: {InstanceName: c}}
  - {as: db, product: rds, status: Stopped}
desktops:
  - {as: desk, status: Stopped}
buckets: [pictures, {name: logs}]
scalingGroups:
  - {as: group, members: 3, min: 1, max: 10}
resources:
  - {kind: 'BSS::Order', id: o-1, with: {OrderStatus: Paid}}
stubs:
  - {service: CAS, api: DescribeCertificateState, json: {Type: certificate}}
  - {service: CAS, api: CreateCertificateRequest, error: {code: QuotaExceeded, status: 403, message: no more}}
";

#[test]
fn every_section_makes_what_it_says() {
    let fixture = Fixture::parse(ALL).unwrap();
    let cloud = &fixture.cloud;
    assert_eq!(cloud.now().to_iso(), "2026-01-09T16:00:00Z");
    let web = fixture.ids("web");
    assert!(cloud.ecs().all(web).are(Stopped));
    assert_eq!(web.len(), 2);
    assert_eq!(cloud.ecs().get(&web[1], "InstanceName"), Value::from("web-2"));
    assert_eq!(cloud.ecs().tags(&web[0]), Value::from(json!({"team": "web"})));
    assert_eq!(cloud.ecs().disks_of(&web[0]).len(), 3);
    let db = cloud.ecs().describe("i-db");
    assert_eq!((db.at(&["RegionId"]), db.at(&["InstanceType"])), (&"cn-beijing".into(), &"ecs.g7.xlarge".into()));
    assert_eq!((db.at(&["Status"]), db.at(&["Description"])), (&"Running".into(), &"x".into()));
    assert_eq!(db.at(&["PublicIpAddress", "IpAddress"]).as_list().unwrap().len(), 1);
    assert_eq!(cloud.ecs().get(fixture.id("free"), "Size"), Value::from(20));
    assert_eq!(cloud.ecs().ids_of("ECS::Image").len(), 1);
    assert_eq!(
        (cloud.rds().status(fixture.id("db")), cloud.redis().get(fixture.id("cache"), "InstanceName")),
        ("Stopped".into(), "c".into())
    );
    assert_eq!(cloud.ecd().status(fixture.id("desk")), "Stopped");
    assert_eq!(cloud.ess(fixture.id("group")).members().len(), 3);
    assert_eq!(cloud.get("o-1", "OrderStatus"), Value::from("Paid"));
    assert!(cloud.ram().roles().iter().any(|role| role == "Worker"));
    let answer = cloud.call_now("CAS", "DescribeCertificateState", json!({"OrderId": 1})).unwrap();
    assert_eq!(answer.at(&["Type"]), &Value::from("certificate"));
    let error = cloud.call_now("CAS", "CreateCertificateRequest", json!({})).unwrap_err();
    assert_eq!(error.to_string(), "QuotaExceeded: no more");
    assert_eq!(Fixture::parse(ALL).unwrap().ids("web"), web, "the same text makes the same ids");
    assert_ne!(Fixture::parse(&ALL.replace("seed: 7", "seed: 8")).unwrap().ids("web"), web);
}

#[test]
fn an_empty_text_is_an_empty_cloud() {
    for text in ["", "# nothing\n", "instances: []"] {
        assert!(Fixture::parse(text).unwrap().cloud.ecs().ids().is_empty());
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let cases = [
        ("a: b: c", 1, ""),
        ("- 1", 1, "a fixture is a map"),
        ("seed: 1\nmachines: []", 2, "`machines` is nothing of a fixture; known: at, buckets, "),
        ("instances:\n  - {}\n  - {colour: red}", 3, "`colour` is no member of an entry of `instances`; members: as, "),
        ("instances:\n  - count: many", 2, "`count` is a whole number"),
        ("instances:\n  - id: i-1\n    count: 2", 2, "`id` is for one instance"),
        ("instances:\n  - publicIp: 7", 2, "`publicIp` is true or false"),
        ("instances:\n  - tags: [a]", 2, "`tags` is a map"),
        ("instances:\n\n  - as: a\n  - as: a", 4, "there are two entries called `a`"),
        ("instances: {}", 1, "`instances` is a list"),
        ("instances: [x, 5]", 1, "an entry of `instances` is a map"),
        ("at: tomorrow", 1, "`at`: "),
        ("\nseed: x", 2, "`seed` is a number, not `x`"),
        ("profile: Fast", 1, "`profile` is Realistic or Instant, not `Fast`"),
        ("enforcement: Maybe", 1, "`enforcement` is On, Off or Audit, not `Maybe`"),
        ("images:\n  - {}", 2, "an entry of `images` needs `name`"),
        ("databases:\n  - product: oracle", 2, "`product` is rds or redis, not `oracle`"),
        ("resources:\n  - id: x\n    kind: Y", 3, "`Y` cannot be put; kinds: "),
        ("stubs:\n  - {service: A, api: B}", 2, "a stub has one of `json` and `error`"),
        ("launchTemplates:\n  - name: a", 2, "`versions` has at least one version"),
        ("roles:\n  - name: a\n    policy: text", 3, "`policy` is a policy document"),
    ];
    for (text, line, message) in cases {
        let error = Fixture::parse(text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.starts_with(message), "{text}: {error}");
    }
}

#[test]
#[should_panic(expected = "the fixture has no entry called `wbe`; it has: web")]
fn a_name_that_is_not_there_is_told_with_those_that_are() {
    Fixture::parse("instances: [{as: web}]").unwrap().id("wbe");
}
