//! What this function answers: the one table that is its router and its part of the OpenAPI document.

use crate::{
    ImagesState,
    handlers::{Wanted, delete_photo, erase_customer, find_photo, update_photo},
    show::find_image,
    upload::Upload,
};
use axum::http::StatusCode as S;
use shared::{
    api::{
        Argument, Operation,
        ResponseHeader::{CacheControl, ETag, Location},
        Routes,
        schemas::text,
    },
    customer::{Photo, erased::Receipt},
    error::Code,
};
use utoipa::openapi::{
    Content, KnownFormat, ObjectBuilder, SchemaFormat, schema::AdditionalProperties,
};

/// Takes the whole table.
pub(crate) fn routes<R: Routes<ImagesState>>(table: R) -> R {
    table
        .chapter("Photos", "Customers' pictures; and erasing a customer, pictures and all.")
        .put("/customers/{id}/photo", update_photo, |operation| {
            operation
                .does(
                    "Give a customer a picture",
                    "A JPEG, PNG or WebP of at most 10 MiB and 50 megapixels; its bytes decide what it is. It is turned upright, freed of all metadata, and kept in three sizes.",
                )
                .answers::<Photo>(S::OK, "The picture.")
                .with(ETag)
        })
        .get("/customers/{id}/photo", find_photo, |operation| {
            operation
                .does("Find a customer's picture", "The signed address is the same for hours and good for at most a day.")
                .answers_empty(S::SEE_OTHER, "The picture is at `Location`.")
                .with(Location)
                .refuses(&[Code::NotFound])
        })
        .delete("/customers/{id}/photo", delete_photo, |operation| {
            operation
                .does("Take a customer's picture away", "")
                .answers_empty(S::NO_CONTENT, "It is gone.")
                .refuses(&[Code::NotFound])
        })
        .get("/images/{id}/{size}", find_image, |operation| {
            operation
                .does(
                    "Show a picture",
                    "For whoever has its signed address, which other answers give whole: `photo_url`, `photo`, `Location`.",
                )
                .answers_as("image/jpeg", S::OK, "The picture.", binary())
                .with(ETag)
                .with(CacheControl)
                .answers_empty(S::NOT_MODIFIED, "The client has it.")
                .with(ETag)
                .with(CacheControl)
                .refuses(&[Code::NotFound])
        })
        .post("/customers/{id}/erase", erase_customer, |operation| {
            operation
                .does(
                    "Erase a customer for good",
                    "The record, the values in its history and its pictures; who did what when stays. Sent again, it answers what is done by now.",
                )
                .answers::<Receipt>(S::OK, "What was removed.")
                .refuses(&[Code::NotFound])
        })
}

impl Argument for Wanted {
    fn describe(operation: Operation) -> Operation {
        operation.refuses(&[Code::NotFound])
    }
}

impl Argument for Upload {
    fn describe(operation: Operation) -> Operation {
        let form = ObjectBuilder::new()
            .property("file", binary())
            .required("file")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)));
        ["image/jpeg", "image/png", "image/webp"]
            .into_iter()
            .fold(operation, |operation, content_type| {
                operation.body(content_type, true, Content::new(Some(binary())))
            })
            .body("multipart/form-data", true, Content::new(Some(form)))
            .refuses(&[
                Code::MalformedBody,
                Code::RequestTimeout,
                Code::TooLarge,
                Code::NotAnImage,
                Code::UnsupportedMediaType,
                Code::PictureTooLarge,
                Code::BrokenPicture,
            ])
    }
}

fn binary() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
}
