import { ApiError } from '../../api';

/** Whatever was thrown, as the error of a request. */
export function failureOf(cause: unknown): ApiError {
  return cause instanceof ApiError ? cause : new ApiError('internal', 0, String(cause));
}

/** The status of a name that another has. */
export const taken = 409;
