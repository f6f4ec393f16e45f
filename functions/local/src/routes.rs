//! The one table that says which service answers a path; the deployed load balancer is made from the same file.

use serde::Deserialize;

/// Who answers a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    Auth,
    Customers,
    Images,
    /// The static site: whatever no route names.
    #[serde(skip)]
    Site,
}

/// The routes in their order; the first that fits decides.
#[derive(Debug, Clone)]
pub(crate) struct Routes(Vec<Route>);

/// `*` stands for one segment, `**` at the end for whatever follows, as in the load balancer's path templates.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    path: String,
    service: Service,
}

impl Routes {
    /// The table that is compiled in.
    pub(crate) fn embedded() -> Self {
        let table = include_str!("../../routes.json");
        Self(
            serde_json::from_str(table)
                .expect("the table was read by a test before it was compiled in"),
        )
    }

    /// Who answers `path`, which is taken as it came, not decoded.
    pub(crate) fn service(&self, path: &str) -> Service {
        let fits = |route: &&Route| fits(&route.path, path);
        let found = self.0.iter().find(fits);
        found.map_or(Service::Site, |route| route.service)
    }
}

fn fits(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for wanted in template.split('/') {
        match (wanted, segments.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(segment)) if !segment.is_empty() => {}
            (wanted, Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_contract_reaches_its_service() {
        let routes = Routes::embedded();
        for (service, paths) in [
            (
                Service::Auth,
                "/login /login/ /login/google /login/google/callback /token /logout /me /me/password \
                /me/sessions/1 /users /users/7 /.well-known/jwks.json /health/auth",
            ),
            (
                Service::Customers,
                "/customers /customers/ /customers/7 /customers/7/history /customers/7/restore \
                /customers/by-email/a@b.c /customers/batch /customers/7/photos /customers/erase /customers/7/erased /imports /operations/1/undo /changes \
                /health/customers",
            ),
            (
                Service::Images,
                "/customers/7/photo /customers/7/photo/ /customers/7/erase /customers/7/erase/ /images/0a/small /health/images",
            ),
            (
                Service::Site,
                "/ /docs /openapi.json /signin /loginx /customersx /health/live //customers",
            ),
        ] {
            for path in paths.split_whitespace() {
                assert_eq!(routes.service(path), service, "{path}");
            }
        }
    }
}
