// The shapes that page and server exchange, and those of the page's state. Types alone: nothing is imported at run time.
// Places are [x, y] in pixels of the original; sizes are [height, width]; boxes are [x0, y0, x1, y1], end exclusive.
// Masks are COCO compressed run lengths, columns first.

/**
 * @typedef {[x: number, y: number, label: number]} Click  label 1: part of the object, 0: not part of it
 * @typedef {[number, number, number, number]} Box
 * @typedef {[height: number, width: number]} Size
 * @typedef {{ x: number, y: number }} Place
 * @typedef {{ points: Click[], box: Box | null, mask: string | null }} Prompt
 *
 * @typedef {object} Clip
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {number} display_width  frames, masks of objects and brush strokes have this size
 * @property {number} display_height
 * @property {number} num_frames  1 for a picture
 * @property {number} frame_rate
 * @property {number} duration  seconds
 * @property {boolean} has_audio
 * @property {number[] | null} [times]  seconds at which each frame is shown; null: evenly by the frame rate
 *
 * @typedef {object} ObjectInfo
 * @property {number} object_id  a key, never a position
 * @property {string} name
 * @property {string} color  #rrggbb
 * @property {boolean} visible
 * @property {boolean} locked
 * @property {string} [effect]  its own effect; empty: as for all objects
 * @property {number} [effect_variant]
 * @property {string} [extra]
 * @property {number} [extra_variant]
 * @property {number | null} [stability]  of the mask it was made of
 *
 * @typedef {object} Mask  of an object on a frame, or a candidate on a picture
 * @property {string} counts
 * @property {number} area  share of the frame
 * @property {number} iou  predicted, 0 to 1
 * @property {number} [score]  object score logits
 * @property {[number, number] | null} [center]  as shares of the frame
 * @property {FrameState} [state]
 *
 * @typedef {"seen" | "unsure" | "gone"} FrameState  as the server judges it
 * @typedef {{ [object: number]: Mask }} Masks  by object id
 * @typedef {{ chosen: number, candidates: Mask[] }} Choice
 * @typedef {Choice & { frame: number, object: number }} Alternatives  what else a single click on a clip may mean
 * @typedef {{ score: number, area: number, iou: number, center: [number, number] | null, state: FrameState }} TrackEntry
 * @typedef {[frame: number, score: number, area: number, iou: number, center: [number, number] | null, state: FrameState]} TrackRow
 * @typedef {{ [object: string]: TrackRow[] }} Tracks
 *
 * @typedef {object} View  how results are shown
 * @property {string} [background]
 * @property {number} [background_variant]
 * @property {string} [background_color]
 * @property {number} [backdrop]  when the picture behind the objects was sent
 * @property {string} [text]
 * @property {string} [objects]
 * @property {number} [objects_variant]
 * @property {string} [extra]
 * @property {number} [extra_variant]
 * @property {string} [overlap]  "score" or "both"
 * @property {number | null} [mark_in]
 * @property {number | null} [mark_out]
 *
 * @typedef {{ file: string, made: number, current: boolean }} MadeVideo  `made` in seconds since 1970
 *
 * @typedef {object} SessionState  the answer to opening a session
 * @property {"video" | "picture"} kind
 * @property {string} token
 * @property {Clip} clip
 * @property {string[]} palette
 * @property {ObjectInfo[]} objects
 * @property {({ frame: number, object: number } & Prompt)[]} prompts
 * @property {{ [object: string]: Choice }} [candidates]
 * @property {Tracks} [tracks]
 * @property {View} [view]
 * @property {MadeVideo | null} [result]
 * @property {number} [expires]  seconds since 1970
 * @property {string} [model]
 * @property {string | null} [notice]
 */

/**
 * @typedef {object} FoundMask  of everything mode
 * @property {number} id  negative for joined ones
 * @property {string} counts
 * @property {number} area  pixels of the working size
 * @property {Box} box
 * @property {number} iou
 * @property {number} stability
 * @property {number[]} [parts]  ids of the masks that were joined
 *
 * @typedef {{ areaMin: number, areaMax: number, iou: number, stability: number }} FoundLimits
 * @typedef {{ found: FoundMask[], gone: number[], size: Size }} FoundStep
 * @typedef {{ joined: FoundMask[], removed: number[], picked: number[], limits: FoundLimits }} FoundEdits
 *
 * @typedef {object} ReferenceInfo
 * @property {number} id
 * @property {string} label
 * @property {number | null} object  id of the object that is measured against it
 * @property {number[]} frames
 * @property {[frame: number, J: number, F: number][]} scores
 *
 * @typedef {{ done: number, total: number }} Progress
 * @typedef {Progress & { frame: number, masks: Masks, seconds_left: number }} TrackStep
 * @typedef {{ done?: number, total?: number, stopped?: boolean, file?: string }} TaskEnd
 *
 * @typedef {object} ModelInfo
 * @property {string} name
 * @property {string} label
 * @property {string} [description]
 * @property {string} [notice]
 * @property {number} [megabytes]
 * @property {number} [accuracy]
 * @property {string} [speed]
 * @property {string} [licence]
 * @property {boolean} loaded
 *
 * @typedef {object} ExamplePrompt
 * @property {number} [frame_index]
 * @property {[number, number][]} [points]
 * @property {number[]} [point_labels]
 * @property {Box} [box]
 * @property {string} [object]
 *
 * @typedef {{ name: string, kind: string, title: string, prompts?: ExamplePrompt[] }} Example
 *
 * @typedef {object} ServerLimits
 * @property {number} max_objects
 * @property {number} max_upload_mb
 * @property {number} max_clip_seconds
 * @property {number} keep_hours
 *
 * @typedef {object} Config  what the page is built with
 * @property {"video" | "picture"} kind
 * @property {ServerLimits} limits
 * @property {string[]} suffixes
 * @property {[name: string, title: string][]} formats
 */

/**
 * @typedef {{ [field: string]: any }} Question
 * @typedef {{ limit?: number, onStep?: (step: any) => void }} AskOptions
 * @typedef {(event: string, question: Question) => void} Trigger
 * @typedef {{ seq: number, step?: any, result?: any, error?: string, unexpected?: boolean }} Answer
 * @typedef {{ trigger: Trigger, watch: (name: string, work: () => void) => void, props: { value: any } }} Component
 * @typedef {Error & ErrorFacts} ServerError
 * @typedef {object} ErrorFacts
 * @property {boolean} [lost]  the server is out of reach or forgot the question
 * @property {boolean} [isLate]  there was no answer in time
 * @property {boolean} [unexpected]  the server's own fault, not a refusal
 * @property {boolean} [gone]  what was asked for does not exist (any more)
 * @property {number | null} [retryAfter]  seconds after which the server may be less busy
 *
 * @typedef {object} Host  what surrounds an open session: the channel to the server, and messages to the person
 * @property {(event: string, question: Question, options?: AskOptions) => Promise<any>} ask
 * @property {Config} config
 * @property {(text: string, retry?: (() => void) | null, about?: string) => void} warn
 * @property {(text: string) => void} tell
 * @property {(error: ServerError) => void} lost
 * @property {(error: ServerError, retry?: (() => void) | null, about?: string) => void} fail
 * @property {(about?: string) => void} quiet
 * @property {() => void} leave
 *
 * @typedef {{ undo: () => void, redo: () => void }} Step
 */

/**
 * @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Pen
 * @typedef {{ scale: number, x: number, y: number }} Transform
 * @typedef {ObjectInfo & { mask: OffscreenCanvas, bounds: Box | null, trail: [number, number][], label: ImageBitmap | null }} Subject
 *
 * @typedef {object} Scene  a frame and what is drawn on it
 * @property {ImageBitmap} frame
 * @property {number} width
 * @property {number} height
 * @property {View} view
 * @property {Subject[]} subjects
 * @property {Subject[]} [everyone]  all subjects, where `subjects` are those with one effect
 * @property {(ImageBitmap | null)[] | null} [stickers]
 * @property {ImageBitmap | null} [lettering]
 * @property {ImageBitmap | null} [backdrop]
 *
 * @typedef {(pen: Pen, scene: Scene, kind: number) => void} Draw
 * @typedef {{ [name: string]: [title: string, variants: string[], draw: Draw | null] }} Effects
 *
 * A row of rendering/effects.json: each list of numbers has one a variant.
 * @typedef {{ title: string, variants: string[], opacity?: number[], line?: number[], block?: number[],
 *   sigma?: number[], rays?: number[], frames?: number[], light?: number[], around?: boolean }} EffectRow
 * @typedef {{ flat: string[], gradients: string[][], objects: { [name: string]: EffectRow },
 *   background: { [name: string]: EffectRow } }} EffectsTable
 */
export {};
