// check.mjs — validates an OpenAPI document as swagger-parser sees it: node check.mjs DOCUMENT
import SwaggerParser from '@apidevtools/swagger-parser';

await SwaggerParser.validate(process.argv[2]);
