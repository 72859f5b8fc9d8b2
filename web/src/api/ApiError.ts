import { type ApiErrorCode, apiErrorCodes } from './types';

/** A request that failed. `code` chooses the text people see; `reference` finds it in the server's log. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: ApiErrorCode,
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    message: string,
    readonly reference?: string,
    /** From `Retry-After`, where the server gave one. */
    readonly retryAfterMs?: number,
    /** The field of the request that is not acceptable, where it is one. */
    readonly field?: string,
  ) {
    super(message);
  }

  /** Whether the same request may well succeed later. */
  get transient(): boolean {
    return (
      this.code === 'network' || this.code === 'unavailable' || this.code === 'too_many_requests'
    );
  }
}

function codeForStatus(status: number): ApiErrorCode {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  if (status === 413) return 'payload_too_large';
  if (status === 429) return 'too_many_requests';
  if (status === 502 || status === 503 || status === 504) return 'unavailable';
  return status >= 500 ? 'internal' : 'invalid_request';
}

function retryAfterMs(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** Turns an answer that is not a success into an ApiError, whatever its body holds. */
export async function errorFromResponse(response: Response): Promise<ApiError> {
  const fallback = codeForStatus(response.status);
  const retry = retryAfterMs(response);
  const body: unknown = await response.json().catch(() => null);
  const detail = (body as { error?: Record<string, unknown> } | null)?.error;
  const code = apiErrorCodes.find((known) => known === detail?.code) ?? fallback;
  const message =
    typeof detail?.message === 'string' ? detail.message : `HTTP status ${response.status}`;
  const reference = typeof detail?.reference === 'string' ? detail.reference : undefined;
  const field = typeof detail?.field === 'string' ? detail.field : undefined;
  return new ApiError(code, response.status, message, reference, retry, field);
}
