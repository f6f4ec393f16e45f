-- Addresses are compared with σ for ς (shared/src/email.rs). Where both spellings are kept as two records, the one with ς
-- keeps its key: it is found by its id.

UPDATE OR IGNORE users SET email_key = REPLACE(email_key, 'ς', 'σ') WHERE email_key LIKE '%ς%';
UPDATE OR IGNORE customers SET email_key = REPLACE(email_key, 'ς', 'σ') WHERE email_key LIKE '%ς%';
