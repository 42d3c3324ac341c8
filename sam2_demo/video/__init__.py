"""Files to RGB frames and back: lazy, random access, exact index. No torch."""

from __future__ import annotations

from sam2_demo.video.file_reader import VideoFileReader
from sam2_demo.video.frame_reader import FrameReader
from sam2_demo.video.opening import VideoInfo, VideoSource, open_video, probe
from sam2_demo.video.picture_sequences import ArrayReader, FolderReader, list_pictures
from sam2_demo.video.pictures import MAX_PIXELS, PICTURE_SUFFIXES, picture_size, read_picture
from sam2_demo.video.writer import VideoWriter, WriterOptions

__all__ = [
    "MAX_PIXELS",
    "PICTURE_SUFFIXES",
    "ArrayReader",
    "FolderReader",
    "FrameReader",
    "VideoFileReader",
    "VideoInfo",
    "VideoSource",
    "VideoWriter",
    "WriterOptions",
    "list_pictures",
    "open_video",
    "picture_size",
    "probe",
    "read_picture",
]
