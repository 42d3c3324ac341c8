// Made from rendering/effects.json: change that one, then run `python -m tools.effects_table`.

/** @import { EffectsTable } from "../state/types.js" */

/** @type {EffectsTable} */
export const TABLE = JSON.parse(`{
  "flat": [
    "#ffffff",
    "#000000",
    "#00b140"
  ],
  "gradients": [
    [
      "#ff5e62",
      "#ffc371"
    ],
    [
      "#2193b0",
      "#6dd5ed"
    ],
    [
      "#833ab4",
      "#fd1d1d"
    ]
  ],
  "objects": {
    "overlay": {
      "title": "Overlay",
      "variants": [
        "Normal",
        "Strong",
        "No outline"
      ],
      "opacity": [
        0.45,
        0.75,
        0.45
      ],
      "line": [
        3,
        3,
        0
      ]
    },
    "outline": {
      "title": "Outline",
      "variants": [
        "Thin",
        "Medium",
        "Thick"
      ],
      "line": [
        3,
        6,
        12
      ]
    },
    "cutout": {
      "title": "Cut-out",
      "variants": [
        "Thin edge",
        "Thick edge",
        "Coloured edge"
      ],
      "line": [
        5,
        11,
        11
      ]
    },
    "erase": {
      "title": "Erase",
      "variants": [
        "White",
        "Black",
        "Green"
      ]
    },
    "pixelate": {
      "title": "Pixelate",
      "variants": [
        "Fine",
        "Medium",
        "Coarse"
      ],
      "block": [
        14,
        28,
        48
      ]
    },
    "blur": {
      "title": "Blur",
      "variants": [
        "Little",
        "Medium",
        "Strong"
      ],
      "sigma": [
        6,
        12,
        24
      ]
    },
    "gradient": {
      "title": "Gradient",
      "variants": [
        "Sunset",
        "Sea",
        "Neon"
      ],
      "opacity": [
        0.75,
        0.75,
        0.75
      ]
    },
    "spotlight": {
      "title": "Spotlight",
      "variants": [
        "Dim",
        "Dark",
        "Night"
      ],
      "opacity": [
        0.55,
        0.75,
        0.92
      ],
      "around": true
    },
    "burst": {
      "title": "Burst",
      "variants": [
        "Wide rays",
        "Rays",
        "Fine rays"
      ],
      "rays": [
        12,
        18,
        28
      ],
      "opacity": [
        0.6,
        0.6,
        0.6
      ],
      "around": true
    },
    "emoji": {
      "title": "Sticker",
      "variants": [
        "Smile",
        "Heart",
        "Star"
      ]
    },
    "label": {
      "title": "Label, box",
      "variants": [
        "Both",
        "Box",
        "Label"
      ],
      "line": [
        3,
        3,
        3
      ]
    },
    "trail": {
      "title": "Trail",
      "variants": [
        "Short",
        "Long",
        "Whole way"
      ],
      "frames": [
        30,
        90,
        100000
      ],
      "line": [
        4,
        4,
        4
      ]
    }
  },
  "background": {
    "original": {
      "title": "Original",
      "variants": []
    },
    "erase": {
      "title": "Erase",
      "variants": [
        "White",
        "Black",
        "Green"
      ]
    },
    "blur": {
      "title": "Blur",
      "variants": [
        "Little",
        "Medium",
        "Strong"
      ],
      "sigma": [
        6,
        12,
        24
      ]
    },
    "pixelate": {
      "title": "Pixelate",
      "variants": [
        "Fine",
        "Medium",
        "Coarse"
      ],
      "block": [
        14,
        28,
        48
      ]
    },
    "desaturate": {
      "title": "Desaturate",
      "variants": [
        "Grey",
        "Half",
        "Sepia"
      ]
    },
    "darken": {
      "title": "Darken",
      "variants": [
        "A little",
        "Much",
        "Almost black"
      ],
      "light": [
        0.6,
        0.35,
        0.12
      ]
    },
    "gradient": {
      "title": "Gradient",
      "variants": [
        "Sunset",
        "Sea",
        "Neon"
      ],
      "opacity": [
        0.8,
        0.8,
        0.8
      ]
    },
    "outline": {
      "title": "Edges",
      "variants": [
        "White on black",
        "Black on white",
        "In colour"
      ]
    },
    "text": {
      "title": "Text",
      "variants": [
        "Yellow",
        "Blue",
        "Orange"
      ]
    },
    "color": {
      "title": "Colour",
      "variants": []
    },
    "picture": {
      "title": "Picture",
      "variants": []
    }
  }
}`);
