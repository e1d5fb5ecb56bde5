namespace Bulkhead.Abi.Fuse;

/// <summary>What stands before each request, and before each answer.</summary>
/// <remarks>
/// <code>
/// request: length u32, opcode u32, number u64, node u64, user u32, group u32, process u32, reserved u32
/// answer:  length u32, error i32 (0, or a negative error number), number u64
/// </code>
/// <i>Source</i>: Linux, include/uapi/linux/fuse.h, fuse_in_header and fuse_out_header.
/// </remarks>
public static class FuseHeader
{
    /// <summary>All of a request's.</summary>
    public const int RequestBytes = 40;

    /// <summary>All of an answer's.</summary>
    public const int AnswerBytes = 16;

    /// <summary>The major version of all this.</summary>
    public const uint Major = 7;

    /// <summary>The minor version that is spoken here.</summary>
    public const uint Minor = 31;

    /// <summary>The number of the topmost folder.</summary>
    public const ulong RootNode = 1;
}
