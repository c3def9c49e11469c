// client.ts — a client whose types are the document's: compiles strictly, runs against a server. node client.js URL
import type { components, paths } from "./api";

type Schemas = components["schemas"];
type RegisterBody = paths["/v1/auth/register"]["post"]["requestBody"]["content"]["application/json"];
type PostPage = paths["/v1/posts"]["get"]["responses"]["200"]["content"]["application/json"];

const base = process.argv[2] ?? "";

async function send<T>(method: string, path: string, status: number, body?: unknown, token?: string): Promise<T> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
    const answer = await fetch(base + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
}

async function main(): Promise<void> {
    const email = `client-${Date.now()}@example.org`;
    const person: RegisterBody = { email, first_name: "Type", last_name: "Script", password: "Secure123" };
    const user = await send<Schemas["UserResponse"]>("POST", "/v1/auth/register", 201, person);
    const role: "admin" | "user" | undefined = user.role;
    const form = new URLSearchParams({ username: email, password: person.password });
    const login = await fetch(`${base}/v1/auth/login`, { method: "POST", body: form });
    const { access_token } = (await login.json()) as Schemas["Token"];
    const draft: Schemas["PostCreate"] = { title: "Typed", content: "by the document", published: true };
    const post = await send<Schemas["PostResponse"]>("POST", "/v1/posts", 201, draft, access_token);
    const page = await send<PostPage>("GET", "/v1/posts?limit=100", 200);
    if (!page.data.some((found) => found.id === post.id) || page.pagination.total < 1) throw new Error("the post is not in the list");
    const problem = await send<Schemas["HTTPValidationError"]>("POST", "/v1/posts", 422, { title: "" }, access_token);
    console.log(`${role} ${problem.detail?.length}`);
}

main().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
});
