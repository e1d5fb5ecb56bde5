using System.Buffers.Binary;
using Bulkhead.Abi.Fuse;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>A guest's driver and a folder of the host that it has.</summary>
internal sealed class FuseClient : IDisposable
{
    public const ulong Root = FuseHeader.RootNode;
    public const uint ReadOnly = 0;
    public const uint WriteOnly = 1;
    public const uint ReadWrite = 2;
    public const uint Exclusive = 0x80;
    public const uint Truncate = 0x200;

    private readonly string _above;
    private readonly SharedFolder _folder;
    private readonly byte[] _answer = new byte[FuseServer.MostAnswerBytes];
    private ulong _number;

    /// <summary>A guest with a folder; in memory where a test changes very much.</summary>
    public FuseClient(bool readOnly = false, bool begins = true, ulong guestBytes = 64 << 20, bool inMemory = false, DescriptorBudget? descriptors = null)
    {
        _above = inMemory && Directory.Exists("/dev/shm")
            ? Directory.CreateDirectory($"/dev/shm/bulkhead-share-{Guid.NewGuid():N}").FullName : Directory.CreateTempSubdirectory("share").FullName;
        Folder = Directory.CreateDirectory(Path.Combine(_above, "s")).FullName;
        File.WriteAllText(Outside, "secret");
        _folder = new SharedFolder(Folder, "tag", readOnly, guestBytes, descriptors ?? DescriptorBudget.OfProcess());
        Server = new FuseServer(_folder);
        if (begins)
        {
            Begin(Server);
        }
    }

    /// <summary>The shared folder.</summary>
    public string Folder { get; }

    /// <summary>A file beside it.</summary>
    public string Outside => Path.Combine(_above, "outside");

    public FuseServer Server { get; private set; }

    public SharedFolder Shared => _folder;

    public string this[string path] => Path.Combine(Folder, path);

    /// <summary>Who may do what with a file, as the host has it.</summary>
    public UnixFileMode RightsOf(string path) => OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(this[path]);

    /// <summary>The host changes that.</summary>
    public void SetRights(string path, UnixFileMode rights)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(this[path], rights);
        }
    }

    public static byte[] Request(FuseOpcode opcode, ulong node, FuseBody? body = null, ulong number = 1)
    {
        byte[] rest = body?.Bytes ?? [];
        byte[] request = new byte[FuseHeader.RequestBytes + rest.Length];
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(4), (uint)opcode);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(8), number);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(16), node);
        rest.CopyTo(request, FuseHeader.RequestBytes);
        return request;
    }

    public static FuseBody BeginBody => new FuseBody().U32(FuseHeader.Major, 37, 1 << 17, uint.MaxValue);

    public FuseAnswer Ask(FuseOpcode opcode, ulong node, FuseBody? body = null) => Ask(Server, opcode, node, body);

    public FuseAnswer Ask(FuseServer server, FuseOpcode opcode, ulong node, FuseBody? body)
    {
        byte[] request = Request(opcode, node, body, ++_number);
        int count = server.Serve(request, _answer);
        Assert.InRange(count, FuseHeader.AnswerBytes, _answer.Length);
        Assert.Equal(count, BinaryPrimitives.ReadInt32LittleEndian(_answer));
        Assert.Equal(_number, BinaryPrimitives.ReadUInt64LittleEndian(_answer.AsSpan(8)));
        return new FuseAnswer(-BinaryPrimitives.ReadInt32LittleEndian(_answer.AsSpan(4)), _answer[FuseHeader.AnswerBytes..count]);
    }

    public FuseAnswer Begin(FuseServer server) => Ask(server, FuseOpcode.Initialize, 0, BeginBody).Good();

    /// <summary>The driver goes on with another server of the folder.</summary>
    public void GoOnWith(FuseServer server) => Server = server;

    public FuseAnswer Lookup(ulong folder, string name) => Ask(FuseOpcode.Lookup, folder, new FuseBody().Text(name));

    /// <summary>Finds a path, name by name: its node.</summary>
    public ulong Find(string path)
    {
        ulong node = Root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            node = Lookup(node, name).Good().Node;
        }

        return node;
    }

    public FuseAnswer Attributes(ulong node) => Ask(FuseOpcode.GetAttributes, node, new FuseBody().U32(0, 0).U64(0));

    public FuseAnswer Change(ulong node, FuseChange what, ulong handle = 0, ulong size = 0, ulong access = 0, ulong write = 0, uint mode = 0, uint user = 0, uint group = 0) =>
        Ask(FuseOpcode.SetAttributes, node, new FuseBody().U32((uint)what, 0).U64(handle, size, 0, access, write, 0).U32(5, 6, 0, mode, 0, user, group, 0));

    public FuseAnswer Open(ulong node, uint flags) => Ask(FuseOpcode.Open, node, new FuseBody().U32(flags, 0));

    public FuseAnswer Create(ulong folder, string name, uint flags = ReadWrite, uint mode = 0x1a4) =>
        Ask(FuseOpcode.Create, folder, new FuseBody().U32(flags, mode, 0, 0).Text(name));

    /// <summary>The handle behind an entry.</summary>
    public static ulong HandleOf(FuseAnswer created) => created.Good().U64(128);

    public FuseAnswer Read(ulong handle, ulong offset, uint size) => Ask(FuseOpcode.Read, Root, new FuseBody().U64(handle, offset).U32(size, 0).U64(0).U32(0, 0));

    public FuseAnswer Write(ulong handle, ulong offset, byte[] data, uint flags = 0) =>
        Ask(FuseOpcode.Write, Root, new FuseBody().U64(handle, offset).U32((uint)data.Length, flags).U64(0).U32(0, 0).Data(data));

    public FuseAnswer Release(ulong handle, FuseOpcode opcode = FuseOpcode.Release) => Ask(opcode, Root, new FuseBody().U64(handle).U32(0, 0).U64(0));

    public FuseAnswer MakeFolder(ulong folder, string name, uint mode = 0x1ed) => Ask(FuseOpcode.MakeFolder, folder, new FuseBody().U32(mode, 0).Text(name));

    public FuseAnswer Unlink(ulong folder, string name) => Ask(FuseOpcode.Unlink, folder, new FuseBody().Text(name));

    public FuseAnswer RemoveFolder(ulong folder, string name) => Ask(FuseOpcode.RemoveFolder, folder, new FuseBody().Text(name));

    public FuseAnswer Rename(ulong folder, string name, ulong toFolder, string toName, uint? flags = null) => flags is { } f
        ? Ask(FuseOpcode.Rename2, folder, new FuseBody().U64(toFolder).U32(f, 0).Text(name).Text(toName))
        : Ask(FuseOpcode.Rename, folder, new FuseBody().U64(toFolder).Text(name).Text(toName));

    public FuseAnswer Link(ulong node, ulong folder, string name) => Ask(FuseOpcode.Link, folder, new FuseBody().U64(node).Text(name));

    public FuseAnswer MakeSymbolicLink(ulong folder, string name, string target) => Ask(FuseOpcode.MakeSymbolicLink, folder, new FuseBody().Text(name).Text(target));

    /// <summary>Gives a node back; there is no answer.</summary>
    public void Forget(ulong node, ulong lookups = 1) =>
        Assert.Equal(0, Server.Serve(Request(FuseOpcode.Forget, node, new FuseBody().U64(lookups)), []));

    public void Dispose()
    {
        Server.Reset();
        _folder.Dispose();

        // Names may be any bytes, and rights any rights.
        using var rm = System.Diagnostics.Process.Start("/bin/sh", ["-c", "chmod -R u+rwx \"$0\" && rm -rf \"$0\"", _above]);
        rm.WaitForExit();
    }
}
