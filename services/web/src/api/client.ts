/** HTTP to the API of the same origin. Errors carry the problem document. */
import type { Problem } from '@lamina/domain/contract/api.ts';

export class ApiError extends Error {
  readonly status: number;
  readonly problem: Problem | null;

  constructor(status: number, problem: Problem | null) {
    super(problem?.detail ?? problem?.title ?? `The API answered with ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.problem = problem;
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

export async function getJson<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return (await request(withQuery(path, query), { signal: signal ?? null })).json() as Promise<T>;
}

export async function getText(path: string, query: Query = {}, signal?: AbortSignal): Promise<string> {
  return (await request(withQuery(path, query), { signal: signal ?? null })).text();
}

export async function postJson<T>(path: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return (await request(path, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Promise<T>;
}

async function request(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(`/v1/${path}`, init);
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response;
}

async function problemOf(response: Response): Promise<Problem | null> {
  const type = response.headers.get('content-type') ?? '';
  return type.includes('json') ? ((await response.json()) as Problem) : null;
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`;
}
